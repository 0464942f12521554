"""The real command line in, exact text and exit code out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kgents.glass.ghost import ghost_of
from kgents.infra.home import context_key

SERVER = "https://127.0.0.1:1"
KEY = context_key("lab", SERVER)


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Cli:
    """`kgents` in a process of its own, with a home of its own, a context `lab` whose server refuses connections."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(
            json.dumps(
                {
                    "current-context": "lab",
                    "clusters": [{"name": "lab", "cluster": {"server": SERVER}}],
                    "users": [{"name": "lab", "user": {"token": "t"}}],
                    "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
                }
            )
        )
        self.env = {**os.environ, "KGENTS_HOME": str(self.home), "KUBECONFIG": str(self.kubeconfig)}
        self.env |= {"KGENTS_NO_DAEMON": "1", "HOME": str(folder)}

    def __call__(self, *words: str, stdin: str | None = None, env: dict[str, str] | None = None) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "kgents.cli.main", *words],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            env={**self.env, **(env or {})},
            timeout=120,
        )
        return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def kgents(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


@pytest.fixture
def remembered(kgents: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A ghost that knows two agents of the namespace default, and one elsewhere, since the year 2001."""
    monkeypatch.setenv("KGENTS_HOME", str(kgents.home))
    rows = [_row("queue", phase="Degraded", restarts=3), _row("scholar"), _row("far", namespace="other")]
    ghost_of(KEY).write("agents/_index.json", rows, now=1_000_000_000.0)
    return kgents


def _row(name: str, **said: Any) -> dict[str, Any]:
    common = {"namespace": "default", "genus": "D", "phase": "Running", "replicas": 1, "readyReplicas": 1}
    common |= {"restarts": 0, "activity": 0.5, "cognitiveHealth": "Unknown", "ageSeconds": None}
    return {"name": name, **common, **said}
