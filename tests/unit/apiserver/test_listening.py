"""Every connection inherits the patience of the socket that it was accepted on."""

from __future__ import annotations

import socket

import pytest

from kgents.api.errors import UsageError
from kgents.embedded.apiserver.server import PATIENCE, listen


def test_accepted_connections_are_cut_off_by_the_kernel_when_they_stall() -> None:
    with listen("127.0.0.1", 0) as bound:
        bound.listen()
        with socket.create_connection(bound.getsockname()), bound.accept()[0] as accepted:
            found = {name: accepted.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in PATIENCE}
    assert found == PATIENCE


def test_a_port_that_is_taken_is_said_in_one_line() -> None:
    with listen("127.0.0.1", 0) as bound:
        bound.listen()
        with pytest.raises(UsageError, match="Cannot listen"):
            listen("127.0.0.1", bound.getsockname()[1])
