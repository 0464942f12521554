"""Stores as servers leave them behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kgents.embedded.apiserver.store.opening import open_store
from tests.unit.apiserver.stores import fill


@pytest.fixture
async def crashed(tmp_path: Path) -> Path:
    """A store as a killed server leaves it: some of it in the file, some only in the write-ahead log."""
    live = tmp_path / "live" / "hive.db"
    store, _ = open_store(live)
    await fill(store)
    copy = tmp_path / "store"
    shutil.copytree(live.parent, copy)
    store.close()
    return copy / "hive.db"


@pytest.fixture
async def closed(tmp_path: Path) -> Path:
    """A store as a server that was stopped leaves it: one file."""
    path = tmp_path / "store" / "hive.db"
    store, _ = open_store(path)
    await fill(store)
    store.close()
    return path
