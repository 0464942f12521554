"""The log on disk. One writer thread gathers what is waiting into one transaction, so that one sync serves many.

A row is a version of an object. Rows that were superseded long ago are removed; what is left adds up to the
current state and to the recent history. SQLite runs with WAL and synchronous=FULL: a commit returns after fsync.
"""

from __future__ import annotations

import fcntl
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from kgents.api.errors import KgentsError, UsageError

SCHEMA = 1
Row = tuple[int, str, str, str, int, bytes]
Deliver = Callable[[list[Any], Exception | None], None]


class Connection(Protocol):
    """What the log needs of a database connection; sqlite3's own, or another one in tests."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Any: ...
    def executemany(self, sql: str, parameters: Any, /) -> Any: ...
    def close(self) -> None: ...


def connect(path: str) -> sqlite3.Connection:
    """An autocommit connection that may be handed to the writer thread."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


class StoreFailed(KgentsError):
    """The log could not be written; nothing of that transaction was acknowledged."""


class _Lock:
    """Two servers on one file would each overwrite what the other acknowledged."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._fd)
            raise UsageError(
                f"The store {path.parent} is in use", why="another API server has it open", fix="Stop that one first."
            ) from error

    def release(self) -> None:
        os.close(self._fd)


class Database:
    """The append-only log. `deliver` is called in the writer thread, once for each transaction."""

    def __init__(self, path: Path, connector: Callable[[str], Connection] = connect) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _Lock(path.with_name(path.name + ".lock"))
        self._db = connector(str(path))
        path.chmod(0o600)
        self.deliver: Deliver = lambda tokens, error: None
        self._queue: queue.SimpleQueue[tuple[Row, Any] | tuple[list[int], int] | None] = queue.SimpleQueue()
        self._prepare(path)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def _prepare(self, path: Path) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA wal_autocheckpoint=2000")
        version = int(next(iter(self._db.execute("PRAGMA user_version")))[0])
        if version not in (0, SCHEMA):
            raise UsageError(
                f"The store {path} has layout {version}",
                why=f"this version of kgents knows {SCHEMA}",
                fix="Use the version that wrote it.",
            )
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS log (rv INTEGER PRIMARY KEY, resource TEXT NOT NULL, namespace TEXT NOT NULL,"
            " name TEXT NOT NULL, deleted INTEGER NOT NULL, value BLOB NOT NULL)"
        )
        self._db.execute("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL)")
        self._db.execute(f"PRAGMA user_version={SCHEMA}")

    def synchronous(self) -> int:
        """SQLite's own word on how it syncs: 2 is FULL."""
        return int(next(iter(self._db.execute("PRAGMA synchronous")))[0])

    def rows(self) -> Iterator[Row]:
        """All rows, oldest first. Only before the first append."""
        yield from self._db.execute("SELECT rv, resource, namespace, name, deleted, value FROM log ORDER BY rv")

    def meta(self, key: str) -> int:
        """A number kept beside the log, 0 when there is none."""
        return next((int(row[0]) for row in self._db.execute("SELECT value FROM meta WHERE key=?", (key,))), 0)

    def append(self, row: Row, token: Any) -> None:
        """Hands a row over; its token is delivered once it is on disk, or with the error that kept it from there."""
        self._queue.put((row, token))

    def forget(self, versions: list[int], horizon: int) -> None:
        """Removes superseded rows some time soon and notes how far back the history now reaches."""
        self._queue.put((versions, horizon))

    def close(self) -> None:
        """Writes what waits, then lets go of the file."""
        self._queue.put(None)
        self._thread.join()
        self._db.close()
        self._lock.release()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            rows: list[tuple[Row, Any]] = []
            obsolete: list[tuple[list[int], int]] = []
            item = self._queue.get()
            while True:
                if item is None:
                    stopping = True
                elif isinstance(item[0], list):
                    obsolete.append(item)
                else:
                    rows.append(item)
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
            error = self._commit(rows, obsolete)
            if rows:
                self.deliver([token for _, token in rows], error)

    def _commit(self, rows: list[tuple[Row, Any]], obsolete: list[tuple[list[int], int]]) -> Exception | None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            if rows:
                self._db.executemany("INSERT INTO log VALUES (?,?,?,?,?,?)", [row for row, _ in rows])
            for versions, horizon in obsolete:
                self._db.executemany("DELETE FROM log WHERE rv=?", [(rv,) for rv in versions])
                self._db.execute("INSERT OR REPLACE INTO meta VALUES ('horizon', ?)", (horizon,))
            self._db.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            self._rollback()
            return error
        return None

    def _rollback(self) -> None:
        try:
            self._db.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            # SQLite has already rolled back by itself after a full disk or an I/O error.
            if "no transaction" not in str(error):
                raise
