"""When the ghost is written."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cortex import ghostwriter
from cortex.ghostwriter import LONGEST_PAUSE, Ghostwriter
from cortex.hub import Change
from cortex.journal import Journal
from cortex.mirror import Mirror
from kgents.api.kinds import KINDS
from kgents.glass.ghost import PHEROMONES, Ghost
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig


class Disk(Ghost):
    """A ghost that takes `cost` seconds, of a clock that nobody waits for, to write all signals."""

    now = cost = 0.0

    def write(self, entry: str, *arguments: Any, **more: Any) -> str | None:
        self.now += self.cost if entry == PHEROMONES else 0.0
        return super().write(entry, *arguments, **more)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk(tmp_path / "ghost")
    monkeypatch.setattr(ghostwriter, "time", SimpleNamespace(monotonic=lambda: disk.now))
    return disk


async def test_who_was_stopped_amid_a_write_is_not_silent_for_long(disk: Disk, tmp_path: Path) -> None:
    async with KubeClient(ClusterConfig(server="https://127.0.0.9:1", context="none")) as api:
        mirror = Mirror(api)
        for kind in KINDS:
            mirror.informers[kind.plural].connected = True
            mirror.informers[kind.plural].synced.set()
        parts = {"mirror": mirror, "ghost": disk, "journal": Journal(tmp_path / "witness")}
        world = SimpleNamespace(**parts, api=api, now=mirror.now)
        writer = Ghostwriter(world)  # type: ignore[arg-type]
        disk.now, disk.cost = 1000.0, 300.0
        await writer.turn()
        assert names(disk) == []

        disk.cost = 0.0
        spec = {"type": "WARNING", "halfLife": "1h"}
        made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        signal = {"metadata": {"name": "late", "namespace": "default", "creationTimestamp": made}, "spec": spec}
        mirror.signals.put(("default", "late"), signal)
        mirror.hub.publish(Change("ADDED", "pheromones", "default", "late", b"{}"))
        await writer.turn()
        assert names(disk) == []  # what took long is not done again at once
        disk.now += LONGEST_PAUSE
        await writer.turn()
        assert names(disk) == ["late"]


def names(ghost: Ghost) -> list[str]:
    found = ghost.read(PHEROMONES, time.time())
    assert found is not None
    return [row["name"] for row in found.items]
