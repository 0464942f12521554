"""What stands for the client in what it makes."""

from __future__ import annotations

import pytest

from kgents.mcp.hive import connector


@pytest.mark.parametrize(
    ("client", "via"),
    [("Claude Desktop", "mcp:Claude Desktop"), ("", "mcp:unnamed"), ("\x1b[2J", "mcp:[2J"), ("x" * 999, None)],
)
def test_the_connector_bears_the_clients_name(client: str, via: str | None) -> None:
    assert connector(client) == (via or "mcp:" + "x" * 100)
