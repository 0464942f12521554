"""`kgents mcp` before any server is started."""

from __future__ import annotations

import importlib.util

import pytest

from kgents.cli import main
from tests.unit.cli.conftest import KEY, Cli


def test_without_the_sdk_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    assert main.run(["mcp", "--http", "127.0.0.1:0"]) == 1
    assert capsys.readouterr().err == "kgents: The MCP SDK is not installed. Get it: pip install 'kgents[mcp]'\n"


def test_config_names_the_hive_and_where_its_home_is(kgents: Cli) -> None:
    said = kgents("mcp", "--config", "-A").json["mcpServers"]["kgents"]
    assert said["args"][-4:] == ["mcp", "--context", "lab", "-A"]
    assert said["env"] == {"KGENTS_HOME": str(kgents.home), "KUBECONFIG": str(kgents.kubeconfig)}
    assert KEY.startswith(said["args"][-2])


@pytest.mark.parametrize("address", ["0.0.0.0:1", "nowhere", "127.0.0.1:x"])
def test_an_address_that_is_none_for_it_is_a_usage_error(kgents: Cli, address: str) -> None:
    done = kgents("mcp", "--http", address)
    assert (done.code, done.out) == (2, "") and len(done.err.splitlines()) == 1
