"""Stores of other layouts, full disks, and a store that breaks while it is in use."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import orjson
import pytest

from kgents.api.errors import UsageError
from kgents.embedded.apiserver.store import recovery
from kgents.embedded.apiserver.store.database import Database
from kgents.embedded.apiserver.store.layout import Damaged
from kgents.embedded.apiserver.store.lock import StoreFailed
from kgents.embedded.apiserver.store.opening import close_store, open_store
from kgents.embedded.apiserver.store.store import Store
from tests.unit.apiserver.stores import fill, names, obj


def test_a_store_of_a_newer_kgents_is_left_alone(closed: Path) -> None:
    db = sqlite3.connect(closed)
    db.execute("PRAGMA user_version=3")
    db.close()
    before = {path.name: path.read_bytes() for path in closed.parent.iterdir()}
    with pytest.raises(UsageError, match="written by a newer kgents"):
        open_store(closed)
    assert {path.name: path.read_bytes() for path in closed.parent.iterdir()} == before


def test_a_store_of_the_first_layout_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "hive.db"
    db = sqlite3.connect(path)
    db.execute(
        "CREATE TABLE log (rv INTEGER PRIMARY KEY, resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,"
        " deleted INTEGER NOT NULL, value BLOB NOT NULL)"
    )
    db.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL)")
    one = obj("a", "text")
    one["metadata"]["resourceVersion"] = "7"
    db.execute("INSERT INTO log VALUES (7, 'things', 'ns', 'a', 0, ?)", (orjson.dumps(one),))
    db.execute("PRAGMA user_version=1")
    db.commit()
    db.close()
    for _ in range(2):
        store, done = open_store(path)
        store.close()
        assert (names(store), store.rv, done) == ({"a"}, 7, None)


async def test_a_full_disk_refuses_the_write_and_takes_the_next_one(tmp_path: Path) -> None:
    database = Database(tmp_path / "hive.db")
    store = Store(database)
    await fill(store, 10)
    things = store.collection("things")
    database._execute(f"PRAGMA max_page_count={database._execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(StoreFailed, match="full"):
        await store.put(things, ("ns", "big"), obj("big", "x" * 400_000), None)
    database._execute("PRAGMA max_page_count=1000000")
    await store.put(things, ("ns", "big"), obj("big", "x" * 400_000), None)
    store.close()
    again, done = open_store(tmp_path / "hive.db")
    again.close()
    assert done is None and "big" in names(again)


class Breaking:
    """A database whose next transaction finds the file broken, as after a page was overwritten under it."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path)
        self.store = Store(self.database)
        self.told = 0
        self.store.on_damage = self._hear

    def _hear(self) -> None:
        self.told += 1

    async def break_now(self) -> None:
        """Two writes fail; the first is the one that finds out."""
        error = sqlite3.DatabaseError("database disk image is malformed")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        self.database._execute = lambda *_: (_ for _ in ()).throw(error)  # type: ignore[method-assign]
        for name in ("one", "two"):
            with pytest.raises(StoreFailed):
                await self.store.put(self.store.collection("things"), ("ns", name), obj(name, ""), None)


async def test_a_store_that_breaks_in_use_is_taken_from_memory_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "hive.db"
    broken = Breaking(path)
    await fill(broken.store, 5)
    await broken.break_now()
    with pytest.raises(Damaged):
        close_store(broken.store)
    path.write_bytes(b"")
    again, done = open_store(path)
    again.close()
    assert broken.told == 1
    assert done is not None and "malformed" in done.why and len(names(again)) == 4
    assert again.rv > broken.store.rv
    sound, done = open_store(path)
    sound.close()
    assert (done, names(sound)) == (None, names(again))


async def test_where_memory_cannot_be_saved_the_broken_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hive.db"
    broken = Breaking(path)
    await fill(broken.store, 5)
    await broken.break_now()

    def full(*_: object) -> None:
        raise StoreFailed("no room")

    with monkeypatch.context() as patched, pytest.raises(Damaged):
        patched.setattr(recovery, "rescue", full)
        close_store(broken.store)
    again, done = open_store(path)
    again.close()
    assert done is not None and len(names(again)) == 4
