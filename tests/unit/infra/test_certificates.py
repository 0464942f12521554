from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest

from kgents.infra.certificates import issue


@pytest.fixture
def issued(tmp_path: Path) -> tuple[Path, Path]:
    made = issue("kgents-cortex", ["kgents-cortex.kgents-system.svc", "127.0.0.1"])
    authority, pair = tmp_path / "ca.pem", tmp_path / "pair.pem"
    authority.write_bytes(made.authority)
    pair.write_bytes(made.certificate + made.key)
    return authority, pair


@pytest.mark.parametrize(
    ("host", "trusted"), [("kgents-cortex.kgents-system.svc", True), ("127.0.0.1", True), ("elsewhere.svc", False)]
)
def test_a_client_that_trusts_the_authority_trusts_the_server_by_its_names(
    issued: tuple[Path, Path], host: str, trusted: bool
) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(issued[1])
    client = ssl.create_default_context(cafile=str(issued[0]))
    client.verify_flags |= ssl.VERIFY_X509_STRICT

    assert shakes_hands(server, client, host) == trusted


def shakes_hands(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> bool:
    near, far = socket.socketpair()

    def serve() -> None:
        try:
            with server.wrap_socket(far, server_side=True) as talking:
                talking.recv(1)
        except (ssl.SSLError, OSError):
            far.close()

    threading.Thread(target=serve, daemon=True).start()
    try:
        with client.wrap_socket(near, server_hostname=host) as talking:
            talking.send(b"x")
        return True
    except ssl.SSLCertVerificationError:
        return False
