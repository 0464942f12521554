"""Keys and JSON values, found by key, by prefix and by words."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from typing import Any

from kgents.symbionts.memory import text
from kgents.symbionts.memory.database import Database
from kgents.symbionts.memory.text import Unfit

PAGE_MOST = 1000
PAGE_BYTES = 1 << 20
Row = tuple[int, str, str]
"""(id, key, value as JSON)."""
Score = tuple[int, float]
"""(id, score): the higher, the better."""


class NoEntry(Exception):
    """There is nothing at this key."""


class Store:
    """Raises Unfit for what cannot be kept, and what the database raises. Writes are on disk when a call returns."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, key: str) -> Any:
        """Raises NoEntry."""
        with self._db.reading() as db:
            row = _find(db, text.check_key(key))
        if row is None:
            raise NoEntry(key)
        return json.loads(row[2])

    def put(self, key: str, value: Any) -> None:
        with self._db.writing() as db:
            write(db, text.check_key(key), value)

    def append(self, key: str, item: Any) -> int:
        """Returns the length of the list, which is made if need be. Raises Unfit where there is something else."""
        with self._db.writing() as db:
            row = _find(db, text.check_key(key))
            found = json.loads(row[2]) if row else []
            if not isinstance(found, list):
                raise Unfit("only to a list can be appended, and there is something else at this key")
            found.append(item)
            write(db, key, found)
        return len(found)

    def delete(self, key: str) -> None:
        """Raises NoEntry."""
        with self._db.writing(making_room=True) as db:
            row = _find(db, text.check_key(key))
            if row is None:
                raise NoEntry(key)
            _forget(db, row)

    def keys(self, prefix: str, after: str, limit: int) -> list[str]:
        """The next keys in order, fewer than asked for where they would be more than a mebibyte."""
        # Keys are ordered by their bytes in UTF-8, so those of a prefix stand together.
        first = max(prefix, after)
        with self._db.reading() as db:
            found: list[str] = []
            size = 0
            for (key,) in db.execute("SELECT key FROM entries WHERE key >= ? ORDER BY key", (first,)):
                if not key.startswith(prefix) or len(found) == min(limit, PAGE_MOST) or size > PAGE_BYTES:
                    break
                if key != after:
                    found.append(key)
                    size += len(key)
        return found

    def by_words(self, asked: str, limit: int) -> list[Score]:
        """The entries that hold any of the words, the best first."""
        question = text.question(asked)
        if not question:
            return []
        with self._db.reading() as db:
            found = db.execute(
                "SELECT rowid, bm25(words) FROM words WHERE words MATCH ? ORDER BY bm25(words), rowid LIMIT ?",
                (question, limit),
            ).fetchall()
        return [(id, -score) for id, score in found]

    def entries(self, ids: list[int]) -> dict[int, tuple[str, Any]]:
        """Key and value by id, of those that are still there."""
        marks = ",".join("?" * len(ids))
        with self._db.reading() as db:
            rows = db.execute(f"SELECT id, key, value FROM entries WHERE id IN ({marks})", ids).fetchall()
        return {id: (key, json.loads(value)) for id, key, value in rows}

    def count(self) -> int:
        with self._db.reading() as db:
            return int(db.execute("SELECT count(*) FROM entries").fetchone()[0])

    def note(self, name: str, value: str) -> None:
        """Something about the memory itself."""
        with self._db.writing(making_room=True) as db:
            db.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))

    def noted(self, name: str) -> str:
        with self._db.reading() as db:
            row = db.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""


def write(db: sqlite3.Connection, key: str, value: Any, *, clock: Callable[[], float] = time.time) -> None:
    """Within a transaction: the value at the key, and its words. Its vector is made later."""
    kept = text.to_json(value)
    row = _find(db, key)
    if row is not None:
        if row[2] == kept:
            return
        _forget(db, row)
    made = db.execute("INSERT INTO entries (key, value, updated) VALUES (?, ?, ?)", (key, kept, clock()))
    db.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (made.lastrowid, text.words_of(key, value)))


def clear(db: sqlite3.Connection) -> None:
    """Within a transaction: nothing is left."""
    db.execute("INSERT INTO words (words) VALUES ('delete-all')")
    db.execute("DELETE FROM vectors")
    db.execute("DELETE FROM entries")


def _find(db: sqlite3.Connection, key: str) -> Row | None:
    found: Row | None = db.execute("SELECT id, key, value FROM entries WHERE key = ?", (key,)).fetchone()
    return found


def _forget(db: sqlite3.Connection, row: Row) -> None:
    id, key, value = row
    # The index holds no text: to take words out it must be told which they were.
    words = text.words_of(key, json.loads(value))
    db.execute("INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)", (id, words))
    db.execute("DELETE FROM vectors WHERE id = ?", (id,))
    db.execute("DELETE FROM entries WHERE id = ?", (id,))
