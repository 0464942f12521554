"""What the store's file looks like: its layout, how an older one becomes the present one, and what a sound row is."""

from __future__ import annotations

import sqlite3
import zlib
from pathlib import Path
from typing import Any, Protocol

import orjson

from kgents.api.errors import KgentsError, UsageError

SCHEMA = 2
"""1: rows without a checksum; freed pages stayed in the file. 2: with both."""
PAGE = 4096
INCREMENTAL = 2
NEWEST_IMAGINABLE = 1000
FIRST = 2
"""The version of an empty store. Anything before it is history that nobody can have seen."""
Row = tuple[int, str, str, str, int, bytes]

_CREATE = (
    "CREATE TABLE IF NOT EXISTS log (rv INTEGER PRIMARY KEY, resource TEXT NOT NULL, namespace TEXT NOT NULL,"
    " name TEXT NOT NULL, deleted INTEGER NOT NULL, value BLOB NOT NULL, crc INTEGER)",
    "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL)",
)
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_DAMAGE_READING = (sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ)


class Connection(Protocol):
    """What the log needs of a database connection; sqlite3's own, or another one in tests."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Any: ...
    def executemany(self, sql: str, parameters: Any, /) -> Any: ...
    def close(self) -> None: ...


class Damaged(KgentsError):
    """What is on disk is not what was written. `why` says what was noticed."""

    def __init__(self, why: str) -> None:
        super().__init__("The store is damaged", why=why)


def is_damage(error: Exception) -> bool:
    """Whether an error of SQLite means that the file is broken, and not that the disk is full or busy."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in _DAMAGE or code in _DAMAGE_READING


def checksum(row: Row) -> int:
    """CRC-32 over a row: SQLite keeps none, so a flipped bit in a value would be served as it is."""
    rv, resource, namespace, name, deleted, value = row
    return zlib.crc32(value, zlib.crc32(f"{rv}\0{resource}\0{namespace}\0{name}\0{deleted}".encode()))


def is_sound(row: Row, crc: int | None) -> bool:
    """Whether a row is what was written. One of layout 1 has no checksum: its JSON must fit its key."""
    if crc is not None:
        return checksum(row) == crc
    try:
        meta = orjson.loads(row[5])["metadata"]
        return bool(meta["name"] == row[3] and meta["resourceVersion"] == str(row[0]))
    except (ValueError, LookupError, TypeError):
        return False


def refuse_newer(path: Path, version: int) -> None:
    """Raises UsageError for a store that a newer kgents wrote; nothing has been touched by then."""
    if SCHEMA < version < NEWEST_IMAGINABLE:
        raise UsageError(
            f"The store {path} was written by a newer kgents",
            why=f"it has layout {version}, this one knows {SCHEMA}",
            fix="Use the newer kgents again, or move the file away to begin anew. Nothing was changed.",
        )


def prepare(db: Connection) -> None:
    """Brings an open database to the present layout. Raises Damaged for one that is in no known layout."""
    version = number(db, "PRAGMA user_version")
    if not 0 <= version <= SCHEMA:
        raise Damaged(f"it says it has layout {version}")
    if version != SCHEMA:
        db.execute("BEGIN IMMEDIATE")
        for statement in _CREATE:
            db.execute(statement)
        if version == 1:
            db.execute("ALTER TABLE log ADD COLUMN crc INTEGER")
        db.execute(f"PRAGMA user_version={SCHEMA}")
        db.execute("COMMIT")
    if number(db, "PRAGMA auto_vacuum") != INCREMENTAL:
        # Once: a new store, one of layout 1, or one whose migration was interrupted here.
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")
        db.execute("VACUUM")


def number(db: Connection, sql: str) -> int:
    """The one number that a statement answers with."""
    return int(next(iter(db.execute(sql)))[0])


def check(db: Connection) -> None:
    """SQLite's own look at the file's structure (60 ms for 100 MB). Raises Damaged."""
    said = str(next(iter(db.execute("PRAGMA quick_check(1)")))[0])
    if said != "ok":
        raise Damaged(said.replace("\n", " "))
