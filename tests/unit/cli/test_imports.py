"""A command imports what it needs and no more: that is what makes it start fast."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.unit.cli.conftest import Cli

HEAVY = ("rich", "aiohttp", "kubernetes", "textual", "kopf", "httpx", "cryptography", "pydantic", "grpc", "asyncio")
SCRIPT = """
import json, sys
from kgents.cli.main import run
out, sys.stdout = sys.stdout, open('/dev/null', 'w')
code = run(sys.argv[1:])
print(json.dumps([code, sorted({name.partition('.')[0] for name in sys.modules})]), file=out)
"""


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["version"],
        ["paths"],
        ["status", "--ghost"],
        ["status", "--ghost", "-o", "json"],
        ["status", "-A", "-o", "json"],
        ["observe", "--ghost", "-o", "json"],
        ["ghost", "status"],
        ["__complete", "logs", ""],
        ["status", "--help"],
    ],
)
def test_no_command_that_reads_loads_anything_heavy(remembered: Cli, words: list[str]):
    remembered("status", "--ghost")
    command = [sys.executable, "-c", SCRIPT, *words]
    done = subprocess.run(command, capture_output=True, text=True, env=remembered.env, check=True)
    _, modules = json.loads(done.stdout)
    assert [name for name in HEAVY if name in modules] == []


def test_only_the_module_of_the_invoked_command_is_loaded(kgents: Cli):
    script = SCRIPT.replace("name.partition('.')[0]", "name")
    done = subprocess.run(
        [sys.executable, "-c", script, "version"], capture_output=True, text=True, env=kgents.env, check=True
    )
    modules = set(json.loads(done.stdout)[1])
    assert "kgents.cli.version" in modules
    assert not modules & {"kgents.cli.status", "kgents.cli.run", "kgents.cli.infra", "kgents.glass.look"}
