"""`kgents mcp` by the MCP inspector's command line: a client that somebody else wrote, in another language.

It comes from the npm registry; where there is no npm, or no way to the registry, these tests are left out.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from tests.support.machine import KGENTS, Machine

pytestmark = pytest.mark.e2e
PACKAGE = "@modelcontextprotocol/inspector-cli"
VERSION = "0.15.0"


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command line that starts it."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("there is no npm")
    folder = tmp_path_factory.mktemp("inspector")
    command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), f"{PACKAGE}@{VERSION}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("the npm registry does not answer")
    if done.returncode:
        pytest.skip(f"npm could not install it: {done.stderr[-300:]}")
    return [node, str(folder / "node_modules" / PACKAGE / "build" / "index.js")]


def inspect(inspector: list[str], demo: Machine, method: str, *words: str) -> Any:
    command = [*inspector, str(KGENTS), "mcp", "--method", method, *words]
    done = subprocess.run(
        command, env=demo.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_it_lists_what_is_offered(inspector: list[str], demo: Machine) -> None:
    tools = {one["name"]: one for one in inspect(inspector, demo, "tools/list")["tools"]}
    assert tools["list_agents"]["annotations"]["readOnlyHint"] is True
    assert tools["propose_change"]["inputSchema"]["required"] == ["target", "reason"]
    resources = inspect(inspector, demo, "resources/list")["resources"]
    assert {"kgents://agents", "kgents://pheromones", "kgents://proposals", "kgents://cluster/status"} == {
        one["uri"] for one in resources
    }
    templates = inspect(inspector, demo, "resources/templates/list")["resourceTemplates"]
    assert "kgents://agents/{agent}{?namespace}" in {one["uriTemplate"] for one in templates}


def test_it_calls_and_reads(inspector: list[str], demo: Machine) -> None:
    call = ("--tool-name", "emit_signal", "--tool-arg", "type=WARNING", "--tool-arg", "intensity=0.5")
    [signal] = inspect(inspector, demo, "tools/call", *call)["structuredContent"]["items"]
    assert signal["source"] == "mcp:inspector-cli"
    wrong = inspect(inspector, demo, "tools/call", "--tool-name", "show_agent", "--tool-arg", "agent=nobody")
    assert wrong["isError"] is True and "nobody" in wrong["content"][0]["text"]
    [content] = inspect(inspector, demo, "resources/read", "--uri", "kgents://agents/worker")["contents"]
    assert json.loads(content["text"])["items"][0]["name"] == "worker"
