"""An agent on a real hive looks for the hive's keys, the user's, and for Cortex."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.machine import Machine
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e
SPY = """
import grpc, json, os, sys, time
def look(path):
    try:
        return os.listdir(path) if os.path.isdir(path) else open(path, "rb").read().decode(errors="replace")
    except OSError as error:
        return type(error).__name__
def call(path):
    with grpc.insecure_channel("unix:" + path) as channel:
        try:
            return channel.unary_unary("/kgents.cortex.v1.Cortex/Invoke")(b"", timeout=5).decode(errors="replace")
        except grpc.RpcError as error:
            return error.code().name
secrets, sockets = json.loads(sys.argv[1])
print("told " + json.dumps([{path: look(path) for path in secrets}, [call(path) for path in sockets]]), flush=True)
time.sleep(1000)
"""


def told(machine: Machine, name: str) -> str:
    log = machine.kubectl("logs", f"deployment/{name}")
    found = [line for line in log.splitlines() if line.startswith("told ")]
    assert found, log
    return found[0]


def spied(machine: Machine, folder: Path, name: str) -> Any:
    """What an agent that works in `folder` sees of the hive's and the user's secrets."""
    run = machine.home / "run"
    secrets = [machine.hive / name for name in ("tokens.json", "kubeconfig", "pki", "store", "operators.kubeconfig")]
    secrets += [machine.kubeconfig, machine.home / "ghost", *run.glob("*.token"), Path("/etc/shadow")]
    words = json.dumps([list(map(str, secrets)), list(map(str, run.glob("*.sock")))])
    machine("run", name, "--", sys.executable, "-c", SPY, words, cwd=folder)
    line = eventually(lambda: told(machine, name))
    machine("delete", name, "--yes")
    return json.loads(line.removeprefix("told "))


@pytest.mark.parametrize("beside", [True, False], ids=["a folder of its own", "the home around it all"])
def test_neither_keys_nor_cortex_are_to_be_had(demo: Machine, tmp_path: Path, beside: bool) -> None:
    secrets, calls = spied(demo, tmp_path if beside else demo.root, f"spy-{'beside' if beside else 'around'}")

    assert not {
        path: said for path, said in secrets.items() if said not in ("FileNotFoundError", "PermissionError", "")
    }
    assert calls and set(calls) <= {"UNAVAILABLE", "UNAUTHENTICATED"}


def test_the_hive_says_how_it_keeps_pods_apart(demo: Machine) -> None:
    isolation = demo.json("infra", "status")["item"]["hive"]["isolation"]
    (node,) = demo.kubectl.json("get", "nodes")["items"]

    assert node["metadata"]["annotations"]["kgents.io/isolation"] == isolation["programs"]
    assert f"isolation: {isolation['programs']}" in demo.run("infra", "init").stderr
