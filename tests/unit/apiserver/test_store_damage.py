"""A damaged store is noticed at start, set aside and saved as far as it can be read; versions never go back."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from kgents.api.errors import KgentsError, UsageError
from kgents.embedded.apiserver.store import recovery
from kgents.embedded.apiserver.store.database import Database
from kgents.embedded.apiserver.store.layout import PAGE, Damaged
from kgents.embedded.apiserver.store.lock import StoreFailed
from kgents.embedded.apiserver.store.opening import close_store, open_store
from kgents.embedded.apiserver.store.pages import FRAME_HEADER, WAL_HEADER
from kgents.embedded.apiserver.store.recovery import latest
from kgents.embedded.apiserver.store.store import Store

OBJECTS = 300


def obj(name: str, text: str) -> dict[str, Any]:
    meta = {"name": name, "namespace": "ns", "uid": name}
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": meta, "data": {"text": text}}


async def fill(store: Store, count: int = OBJECTS) -> int:
    """Small objects and some that run over many pages, each written twice; the last version. Ten to a commit."""
    things = store.collection("things")

    async def write(number: int) -> None:
        name, size = f"n{number:04}", 9000 if number % 50 == 0 else 200
        for text in ("old" * size, "new" * size):
            await store.put(things, ("ns", name), obj(name, text), things.get("ns", name))

    for first in range(0, count, 10):
        await asyncio.gather(*(write(number) for number in range(first, min(first + 10, count))))
    await store.delete(things, things.records["ns", "n0001"])
    return store.rv


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


def names(store: Store) -> set[str]:
    return {name for _, name in store.collection("things").records}


def overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def pages(path: Path) -> int:
    return path.stat().st_size // PAGE


def one_page_torn(path: Path) -> None:
    overwrite(path, PAGE * (pages(path) // 2) + 512, os.urandom(PAGE - 512))


def one_page_zeroed(path: Path) -> None:
    overwrite(path, PAGE * (pages(path) // 2), bytes(PAGE))


def header_zeroed(path: Path) -> None:
    overwrite(path, 0, bytes(100))


def first_page_garbage(path: Path) -> None:
    overwrite(path, 0, os.urandom(PAGE))


def half_gone(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 + 100)


def flipped_bit(path: Path) -> None:
    at = path.read_bytes().rindex(b"newnewnew")
    overwrite(path, at, b"nev")


SOME_LOST = [one_page_torn, one_page_zeroed, half_gone, flipped_bit]
NONE_LOST = [header_zeroed, first_page_garbage]


def row_is_no_json(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("UPDATE log SET value=?, crc=NULL WHERE rv=(SELECT max(rv) FROM log WHERE deleted=0)", (b'{"meta',))
    db.commit()
    db.close()


@pytest.mark.parametrize("harm", [*SOME_LOST, *NONE_LOST, row_is_no_json])
def test_what_can_be_read_of_a_damaged_store_is_saved(closed: Path, harm: Callable[[Path], None]) -> None:
    harm(closed)
    store, done = open_store(closed)
    found = names(store)
    store.close()
    assert done is not None and done.saved == len(found)
    assert len(found) >= OBJECTS // 3 if harm in SOME_LOST else len(found) >= OBJECTS - 2


@pytest.mark.parametrize("harm", NONE_LOST)
def test_what_was_deleted_does_not_come_back(closed: Path, harm: Callable[[Path], None]) -> None:
    harm(closed)
    store, _ = open_store(closed)
    store.close()
    assert "n0001" not in names(store)


@pytest.mark.parametrize("harm", [*SOME_LOST, *NONE_LOST])
def test_the_damaged_file_is_kept_as_it_was(closed: Path, harm: Callable[[Path], None]) -> None:
    harm(closed)
    before = closed.read_bytes()
    store, done = open_store(closed)
    store.close()
    assert done is not None and closed.with_name(done.aside).read_bytes() == before
    assert latest(closed) == done


@pytest.mark.parametrize("harm", [*SOME_LOST, *NONE_LOST, Path.unlink, lambda path: os.truncate(path, 0)])
def test_versions_never_go_back_and_older_ones_are_told_to_list_again(
    closed: Path, harm: Callable[[Path], None]
) -> None:
    before = Store(Database(closed))
    last = before.rv
    before.close()
    harm(closed)
    store, done = open_store(closed)
    things = store.collection("things")
    store.close()
    assert done is not None and store.rv > last
    assert things.horizon > last
    assert all(record.rv > last and str(record.rv) in record.data.decode() for record in things.records.values())


def test_a_saved_store_is_opened_like_any_other(closed: Path) -> None:
    header_zeroed(closed)
    store, _ = open_store(closed)
    found, version = names(store), store.rv
    store.close()
    again, done = open_store(closed)
    again.close()
    assert (done, names(again), again.rv) == (None, found, version)


def test_a_crashed_store_is_not_a_damaged_one(crashed: Path) -> None:
    store, done = open_store(crashed)
    store.close()
    assert done is None
    assert names(store) == {f"n{number:04}" for number in range(OBJECTS)} - {"n0001"}


def test_a_missing_write_ahead_log_is_missed(crashed: Path) -> None:
    crashed.with_name("hive.db-wal").unlink()
    store, done = open_store(crashed)
    store.close()
    assert done is not None and "write-ahead log is missing" in done.why


def test_a_write_ahead_log_without_a_header_is_noticed(crashed: Path) -> None:
    overwrite(crashed.with_name("hive.db-wal"), 0, os.urandom(WAL_HEADER))
    store, done = open_store(crashed)
    store.close()
    assert done is not None and "header of its write-ahead log" in done.why


def test_a_write_ahead_log_broken_in_the_middle_loses_one_page_not_the_rest(crashed: Path) -> None:
    overwrite(crashed.with_name("hive.db-wal"), WAL_HEADER + 20 * (FRAME_HEADER + PAGE) + FRAME_HEADER, bytes(PAGE))
    store, done = open_store(crashed)
    store.close()
    assert done is not None and "broken in the middle" in done.why
    assert len(names(store)) > OBJECTS // 2


def test_a_torn_end_of_the_write_ahead_log_is_what_a_power_cut_leaves(crashed: Path) -> None:
    wal = crashed.with_name("hive.db-wal")
    os.truncate(wal, wal.stat().st_size - 100)
    store, done = open_store(crashed)
    store.close()
    assert done is None and len(names(store)) >= OBJECTS - 2


def test_a_folder_in_its_place_is_moved_away(tmp_path: Path) -> None:
    path = tmp_path / "hive.db"
    path.mkdir()
    (path / "precious").touch()
    store, done = open_store(path)
    store.close()
    assert done is not None and (tmp_path / done.aside / "precious").exists()


def test_an_empty_file_where_there_was_never_a_store_is_a_new_store(tmp_path: Path) -> None:
    (tmp_path / "hive.db").touch()
    store, done = open_store(tmp_path / "hive.db")
    store.close()
    assert done is None


def test_a_salvage_that_was_killed_half_way_is_finished(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header_zeroed(closed)
    renames = 0
    rename = Path.rename

    def killed_after_the_first(path: Path, target: Path) -> Path:
        nonlocal renames
        renames += 1
        if renames > 1:
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", killed_after_the_first)
        with pytest.raises(KeyboardInterrupt):
            open_store(closed)
    assert not closed.exists()
    store, done = open_store(closed)
    store.close()
    assert done is not None and len(names(store)) >= OBJECTS - 2


def test_a_second_salvage_leaves_what_the_first_one_kept(closed: Path) -> None:
    kept = set()
    for _ in range(2):
        header_zeroed(closed)
        store, done = open_store(closed)
        store.close()
        assert done is not None
        kept.add(done.aside)
    assert len(kept) == 2 and all(closed.with_name(name).exists() for name in kept)


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


def test_a_folder_that_may_not_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises((KgentsError, NotADirectoryError)):
        open_store(tmp_path / "file" / "hive.db")


def test_a_checksum_guards_every_row(tmp_path: Path) -> None:
    database = Database(tmp_path / "hive.db")
    database.start(2)
    database.append((3, "things", "ns", "a", 0, b"{}"), None)
    database.close()
    db = sqlite3.connect(tmp_path / "hive.db")
    db.execute("UPDATE log SET name='b'")
    db.commit()
    db.close()
    opened = Database(tmp_path / "hive.db")
    with pytest.raises(Damaged, match="not what was written"):
        list(opened.rows())
    opened.close()


def harm_at_random(path: Path, dice: random.Random) -> None:
    """Overwrites, cuts or flips something somewhere in the store or its write-ahead log."""
    files = [one for one in (path, path.with_name("hive.db-wal")) if one.exists() and one.stat().st_size]
    chosen = dice.choice(files)
    data = bytearray(chosen.read_bytes())
    at, length = dice.randrange(len(data)), dice.choice([1, 100, PAGE, 5 * PAGE])
    kind = dice.randrange(4)
    if kind == 0:
        data[at : at + length] = dice.randbytes(min(length, len(data) - at))
    elif kind == 1:
        data[at : at + length] = bytes(min(length, len(data) - at))
    elif kind == 2:
        del data[at:]
    else:
        data[at] ^= 1 << dice.randrange(8)
    chosen.write_bytes(data)


@pytest.mark.parametrize("state", ["crashed", "closed"])
def test_whatever_happens_to_it_a_store_opens_and_shows_only_what_was_written(
    state: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    original: Path = request.getfixturevalue(state)
    for seed in range(25):
        copy = tmp_path / f"copy-{seed}"
        shutil.copytree(original.parent, copy)
        harm_at_random(copy / "hive.db", random.Random(seed))
        store, _ = open_store(copy / "hive.db")
        things = store.collection("things").records
        store.close()
        texts = {
            str(record.parse()["data"]["text"]).replace("old", "").replace("new", "") for record in things.values()
        }
        assert texts <= {""}, f"seed {seed}"
        again, done = open_store(copy / "hive.db")
        again.close()
        assert (done, again.collection("things").records.keys()) == (None, things.keys()), f"seed {seed}"
