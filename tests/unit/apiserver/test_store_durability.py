"""What the store acknowledged had been synced: it survives a disk that forgets everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kgents.embedded.apiserver.store.database import Database
from kgents.embedded.apiserver.store.store import Store
from tests.support.lossy_disk import Connection, LossyDisk


@pytest.fixture
def disk() -> Iterator[LossyDisk]:
    lossy = LossyDisk()
    yield lossy
    lossy.unregister()


def obj(name: str) -> dict[str, Any]:
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name, "uid": name}}


async def acknowledged_then_power_cut(disk: LossyDisk, tmp_path: Path, synchronous: str = "") -> set[str]:
    """Writes 200 objects, cuts the power at the last acknowledgement, and says which a new store finds."""
    live = Store(Database(tmp_path / "live" / "hive.db", lambda path: Connection(path, synchronous)))
    collection = live.collection("configmaps")
    await asyncio.gather(*(live.put(collection, ("ns", f"n{i}"), obj(f"n{i}"), None) for i in range(200)))
    disk.power_cut(tmp_path / "after")
    live.close()
    found = Store(Database(tmp_path / "after" / "hive.db"))
    names = {name for _, name in found.collection("configmaps").records}
    found.close()
    return names


async def test_every_acknowledged_write_survives_a_power_cut(disk: LossyDisk, tmp_path: Path) -> None:
    assert await acknowledged_then_power_cut(disk, tmp_path) == {f"n{i}" for i in range(200)}


async def test_the_power_cut_is_real_without_syncs_the_writes_are_lost(disk: LossyDisk, tmp_path: Path) -> None:
    assert await acknowledged_then_power_cut(disk, tmp_path, "OFF") == set()


def test_the_writing_connection_itself_says_full(tmp_path: Path) -> None:
    database = Database(tmp_path / "hive.db")
    assert database.synchronous() == 2
    database.close()
