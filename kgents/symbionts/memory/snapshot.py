"""The whole memory as one SQLite file: taken while it is in use, and laid back from a file that nobody need trust."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from kgents.symbionts.memory import text
from kgents.symbionts.memory.database import APPLICATION, Database
from kgents.symbionts.memory.store import clear, write
from kgents.symbionts.memory.text import Unfit


def take(database: Database) -> BinaryIO:
    """An open file without a name. Raises OSError and what the database raises."""
    with _scratch() as path:
        database.copy(path)
        return path.open("rb")


def restore(database: Database, pieces: Iterable[bytes]) -> int:
    """Puts what the file holds in the place of everything, or changes nothing. Returns how many entries there are.

    Raises Unfit for a file that is no snapshot, Full when there is too much in it.
    """
    with _scratch() as path:
        with path.open("wb") as file:
            for piece in pieces:
                file.write(piece)
        try:
            return _restore(database, path)
        except sqlite3.Error as error:
            raise Unfit(f"this is no snapshot of a memory: {error}") from error


def _restore(database: Database, path: Path) -> int:
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as source:
        source.execute("PRAGMA trusted_schema=OFF")
        source.execute("PRAGMA cell_size_check=ON")
        # A view or a virtual table of this name could run what somebody else wrote.
        real = source.execute("SELECT 1 FROM sqlite_schema WHERE name='entries' AND type='table' AND rootpage > 0")
        if source.execute("PRAGMA application_id").fetchone()[0] != APPLICATION or real.fetchone() is None:
            raise Unfit("this is no snapshot of a memory")
        count = 0
        with database.writing() as db:
            clear(db)
            for key, value in _rows(source):
                write(db, key, value)
                count += 1
        return count


def _rows(source: sqlite3.Connection) -> Iterator[tuple[str, Any]]:
    for key, value in source.execute("SELECT key, value FROM entries ORDER BY id"):
        if not isinstance(key, str) or not isinstance(value, str):
            raise Unfit("this is no snapshot of a memory: a key or a value is no text")
        yield text.check_key(key), text.parse(value.encode())


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    # Not by `tempfile`: with it come random numbers, and with them OpenSSL.
    path = Path(os.environ.get("TMPDIR") or "/tmp", f"kgents-snapshot-{os.urandom(8).hex()}")
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield path
    finally:
        for end in ("", "-journal", "-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
