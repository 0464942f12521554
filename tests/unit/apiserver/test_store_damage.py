"""A damaged store is noticed at start, set aside and saved as far as it can be read; versions never go back."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from kgents.api.errors import KgentsError
from kgents.embedded.apiserver.store.database import Database
from kgents.embedded.apiserver.store.layout import PAGE, Damaged
from kgents.embedded.apiserver.store.opening import open_store
from kgents.embedded.apiserver.store.pages import FRAME_HEADER, WAL_HEADER
from kgents.embedded.apiserver.store.recovery import latest
from kgents.embedded.apiserver.store.store import Store
from tests.unit.apiserver.stores import OBJECTS, names


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
