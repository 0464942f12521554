"""Keys, values, bounds and searching, against a real file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kgents.api.errors import KgentsError
from kgents.symbionts.memory import snapshot, text
from kgents.symbionts.memory.database import FILE, Database, Full
from kgents.symbionts.memory.service import fuse
from kgents.symbionts.memory.store import NoEntry, Store
from kgents.symbionts.memory.text import Unfit
from kgents.symbionts.memory.vectors import Vectors

MIB = 1 << 20


def opened(folder: Path, size: int = 4 * MIB) -> Database:
    database = Database(folder)
    database.resize(size)
    return database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = opened(tmp_path / "memory")
    yield made
    made.close()


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


@pytest.mark.parametrize("value", [None, 0, 1.5, "", "ünï\0\n", [], {}, {"a": [1, {"b": "c"}]}, 10**30])
def test_what_is_put_is_got(store: Store, value: object) -> None:
    store.put("key", value)
    assert store.get("key") == value


@pytest.mark.parametrize("key", ["../../etc/passwd", "a/b", "%2e", "ключ", "🐘", "'; DROP TABLE entries; --", "append"])
def test_a_key_is_only_a_name(store: Store, key: str) -> None:
    store.put(key, key)
    assert store.keys("", "", 10) == [key]


@pytest.mark.parametrize("key", ["", "a\0b", "a\nb", "\ud800", "x" * 1025])
def test_what_is_no_key_is_refused(store: Store, key: str) -> None:
    with pytest.raises(Unfit):
        store.put(key, 1)


@pytest.mark.parametrize("data", [b"", b"{", b"NaN", b'{"a": Infinity}', b"\xff", b"[" * 5000, b"9" * 5000])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(Unfit):
        text.parse(data)


def test_half_a_character_is_refused(store: Store) -> None:
    with pytest.raises(Unfit, match="surrogate"):
        store.put("key", text.parse(rb'"\ud800"'))


def test_keys_of_a_prefix_come_in_order_and_page_by_page(store: Store) -> None:
    for key in ("b2", "a", "b10", "b", "bé", "c"):
        store.put(key, 1)
    first = store.keys("b", "", 2)
    assert first + store.keys("b", first[-1], 10) == ["b", "b10", "b2", "bé"]


def test_what_is_forgotten_is_found_no_more(store: Store) -> None:
    store.put("fox", "the quick brown fox")
    store.put("fox", "the slow hedgehog")
    assert store.by_words("quick", 10) == []
    store.delete("fox")
    assert store.by_words("hedgehog", 10) == []
    with pytest.raises(NoEntry):
        store.delete("fox")


def test_the_best_match_comes_first(store: Store) -> None:
    store.put("once", "a whale among many other things of the sea that are worth a word")
    store.put("often", "whale whale whale")
    store.put("never", "bread")
    ids = [id for id, _ in store.by_words("whale", 10)]
    assert [store.entries(ids)[id][0] for id in ids] == ["often", "once"]


@pytest.mark.parametrize("asked", ['"', "(", "a OR", "NEAR(", "col:x", "*", "-", "\0", "a AND NOT", "{}", "🐘", "'"])
def test_no_question_is_a_syntax_error(store: Store, asked: str) -> None:
    store.put("a", "a or near col x and not")
    store.by_words(asked, 10)


def test_appends_at_the_same_time_all_arrive(store: Store) -> None:
    threads = [threading.Thread(target=lambda: [store.append("list", 1) for _ in range(10)]) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.get("list")) == 50


def test_only_to_a_list_can_be_appended(store: Store) -> None:
    store.put("word", "x")
    with pytest.raises(Unfit):
        store.append("word", 1)


def fill(store: Store) -> int:
    for count in range(1000):
        try:
            store.put(f"key{count}", {"text": f"some words {count} " * 2000})
        except Full:
            return count
    raise AssertionError("it is never full")


def test_a_full_memory_can_be_read_searched_and_emptied(store: Store, database: Database) -> None:
    count = fill(store)
    assert count and len(store.keys("", "", 1000)) == count and store.by_words("words", 3)
    assert database.used() <= 4 * MIB
    for key in store.keys("", "", 1000):
        store.delete(key)
    store.put("again", "room")


def test_a_larger_size_gives_room_at_once(store: Store, database: Database) -> None:
    fill(store)
    database.resize(8 * MIB)
    store.put("more", "x" * 100_000)


def test_a_smaller_size_loses_nothing(store: Store, database: Database) -> None:
    count = fill(store)
    database.resize(MIB)
    assert len(store.keys("", "", 1000)) == count
    with pytest.raises(Full):
        store.put("more", "x" * 500_000)


def test_a_refused_write_changes_nothing(store: Store) -> None:
    store.put("key0", "before")
    with pytest.raises(Full):
        for count in range(1000):
            store.put("key0", "before")
            store.put(f"filler{count}", "word " * 20_000)
    assert store.get("key0") == "before"


@pytest.mark.parametrize("damage", [b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 8176])
def test_a_torn_file_is_set_aside_and_a_fresh_one_begun(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / FILE).write_bytes(damage)
    database = opened(tmp_path)
    Store(database).put("key", 1)
    assert (tmp_path / database.set_aside).read_bytes() == damage
    database.close()


def test_a_damaged_page_is_noticed_at_the_start(tmp_path: Path) -> None:
    database = opened(tmp_path)
    Store(database).put("key", "value " * 5000)
    database.close()
    with (tmp_path / FILE).open("r+b") as file:
        file.seek(5 * 4096)
        file.write(b"\xff" * 3 * 4096)
    again = opened(tmp_path)
    assert again.set_aside
    again.close()


def test_a_file_of_somebody_else_is_not_written_to(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("CREATE TABLE theirs (a)")
    db.close()
    database = opened(tmp_path)
    assert database.set_aside
    database.close()


def test_what_another_pod_uses_is_not_set_aside(tmp_path: Path) -> None:
    first = opened(tmp_path)
    for name in (FILE, f"{FILE}-wal"):
        with (tmp_path / name).open("r+b") as file:
            file.write(b"garbage!" * 16_000)
    with pytest.raises(KgentsError):
        Database(tmp_path)
    assert not list(tmp_path.glob("*.broken-*"))
    first.close()


def test_two_pods_share_one_file(tmp_path: Path) -> None:
    one, other = opened(tmp_path), opened(tmp_path)
    assert [Store(database).append("list", 1) for database in (one, other, one)] == [1, 2, 3]
    one.close()
    assert Store(other).get("list") == [1, 1, 1]
    other.close()


def test_a_snapshot_brings_everything_back(tmp_path: Path, store: Store, database: Database) -> None:
    store.put("kept", {"a": "whale"})
    with snapshot.take(database) as file:
        data = file.read()
    store.put("later", 1)
    assert snapshot.restore(database, [data[:1000], data[1000:]]) == 1
    assert store.keys("", "", 10) == ["kept"] and store.by_words("whale", 1)


def test_what_is_no_snapshot_changes_nothing(store: Store, database: Database, tmp_path: Path) -> None:
    store.put("kept", 1)
    evil = tmp_path / "evil.db"
    with sqlite3.connect(evil) as db:
        db.execute("CREATE VIEW entries AS SELECT 'a' AS key, '1' AS value, 1 AS id")
        db.execute(f"PRAGMA application_id={0x6B67656E}")
    db.close()
    for data in (b"", b"garbage", evil.read_bytes()):
        with pytest.raises(Unfit):
            snapshot.restore(database, [data])
    assert store.get("kept") == 1


def test_likeness_finds_what_is_spelled_alike(store: Store, database: Database) -> None:
    store.put("a", "the elephants were wandering")
    store.put("b", "stock prices fell")
    vectors = Vectors(database, None, "")
    vectors.settle()
    found = vectors.nearest("elephant wanders", 10)
    assert store.entries([found[0][0]]) == {found[0][0]: ("a", "the elephants were wandering")}
    assert vectors.kind == "WordLikeness"


def test_a_deleted_entry_has_no_vector(store: Store, database: Database) -> None:
    vectors = Vectors(database, None, "")
    store.put("a", "elephant")
    vectors.settle()
    store.delete("a")
    assert vectors.nearest("elephant", 10) == []


def test_rankings_are_joined_by_their_places() -> None:
    assert [id for id, _ in fuse([(1, 900.0), (2, 5.0)], [(2, 0.9), (3, 0.1)])] == [2, 1, 3]
    assert fuse([(1, 3.0)], [(1, 0.1)]) == [(1, 1.0)]
