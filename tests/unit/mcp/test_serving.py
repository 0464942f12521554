"""Who is let in over HTTP, and where it may be served."""

from __future__ import annotations

from pathlib import Path

import pytest

from kgents.api.errors import KgentsError, UsageError
from kgents.mcp.serving import Tokens, _listener


async def test_the_token_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "mcp" / "token")
    tokens.prepare()
    made = tokens.path.read_text()
    tokens.prepare()

    assert tokens.path.read_text() == made and len(made) >= 40
    assert (tokens.path.stat().st_mode & 0o777, tokens.path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert await tokens.verify_token(made)
    for wrong in ("", made[:-1], made + "x", "ä", "\udcff"):
        assert await tokens.verify_token(wrong) is None


async def test_who_changes_or_removes_the_token_changes_who_comes_in(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "token")
    tokens.prepare()
    old = tokens.path.read_text()
    tokens.path.write_text("another")
    assert await tokens.verify_token(old) is None and await tokens.verify_token("another")
    for gone in ("", "\n"):
        tokens.path.write_text(gone)
        assert await tokens.verify_token("") is None
    tokens.path.unlink()
    assert await tokens.verify_token("another") is None


def test_a_token_that_others_can_read_is_refused(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "token")
    tokens.prepare()
    tokens.path.chmod(0o640)
    with pytest.raises(KgentsError, match="Others can read"):
        tokens.prepare()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("0.0.0.0:80", "other machines"),
        ("[::]:80", "other machines"),
        ("192.0.2.7:80", "other machines"),
        ("example.org:80", "no address"),
        ("127.0.0.1", "no address"),
        ("127.0.0.1:http", "no address"),
        ("127.0.0.1:70000", "no address"),
        ("", "no address"),
    ],
)
def test_it_is_served_on_this_machine_alone(address: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        _listener(address)


def test_a_port_that_is_taken_is_said() -> None:
    with _listener("localhost:0") as first, pytest.raises(KgentsError, match="cannot be listened on"):
        _listener(f"127.0.0.1:{first.getsockname()[1]}")
