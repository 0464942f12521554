"""A hive of which only the ghost is left: nothing live answers, and nothing is woken."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kgents.glass.ghost import AGENTS, PHEROMONES, Ghost, ghost_of
from kgents.infra.home import context_key
from kgents.mcp.hive import Hive

SERVER = "https://127.0.0.1:1"


@pytest.fixture
def ghost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ghost:
    """The ghost of the context `lab`, whose server refuses connections."""
    config = tmp_path / "kubeconfig"
    contexts = [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}]
    clusters = [{"name": "lab", "cluster": {"server": SERVER}}]
    users = [{"name": "lab", "user": {"token": "t"}}]
    config.write_text(
        json.dumps({"current-context": "lab", "clusters": clusters, "users": users, "contexts": contexts})
    )
    monkeypatch.setenv("KGENTS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KUBECONFIG", str(config))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KGENTS_NO_DAEMON", "1")
    return ghost_of(context_key("lab", SERVER))


@pytest.fixture
def remember(ghost: Ghost) -> Callable[..., Hive]:
    """Writes agents and signals to the ghost, and gives the hive that remembers them since the year 2001."""

    def write(agents: list[dict[str, Any]], signals: list[dict[str, Any]] | None = None) -> Hive:
        ghost.write(AGENTS, agents, now=1_000_000_000.0)
        if signals is not None:
            ghost.write(PHEROMONES, signals, now=1_000_000_000.0)
        return Hive(None, None)

    return write


def agent(name: str, **said: Any) -> dict[str, Any]:
    return {"name": name, "namespace": "default", "phase": "Running", "reason": None, **said}
