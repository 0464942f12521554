"""The file: opened whole or not at all, bounded, and every acknowledged write on disk.

Several pods of one agent may have it open on one machine; SQLite's own locks keep them apart. One that is broken is
set aside and a fresh one begun, by the first who opens it: whoever has it open holds a shared lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from kgents.api.errors import KgentsError

FILE = "memory.db"
APPLICATION = 0x6B67656E
LAYOUT = 1
PAGE = 4096
CACHE_KIB = 512
LEAST_FREE = 1 << 20
BUSY = 10.0
"""Seconds that another pod's write is waited for."""
_SCHEMA = """
CREATE TABLE entries (
  id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, value TEXT NOT NULL, updated REAL NOT NULL);
CREATE TABLE vectors (
  id INTEGER NOT NULL, embedder TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (id, embedder)) WITHOUT ROWID;
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5(text, content='', tokenize="unicode61 remove_diacritics 2");
"""
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_TOOBIG)


class Full(Exception):
    """No room: in the memory's own bounds, or (`disk`) the disk does not take it. What is there can be read."""

    def __init__(self, message: str, *, disk: bool) -> None:
        super().__init__(message)
        self.disk = disk


class Unavailable(Exception):
    """The file cannot be used just now: another pod of the agent writes for long, or something is amiss with it."""


class Broken(Exception):
    """The file is damaged: the next start sets it aside."""


def code(error: sqlite3.Error) -> int:
    """SQLite's primary result code."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


class Database:
    """`set_aside` is the broken file that this one replaces, if there is one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.set_aside = ""
        self._size = PAGE
        self._lock, self._reading = threading.Lock(), threading.Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._held = (folder / ".lock").open("a")
        alone = self._alone()
        self._writer = self._open(alone)
        fcntl.flock(self._held, fcntl.LOCK_SH)
        self._reader = _connect(folder / FILE)
        self._reader.execute("PRAGMA query_only=ON")

    @contextlib.contextmanager
    def writing(self, *, making_room: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction, on disk when this ends. `making_room` may use a reserve, for deleting takes room, too.

        Raises Full, Broken and Unavailable; nothing has changed then.
        """
        with self._lock, self._told():
            pages = (self._size if making_room else self._size - self.reserve) // PAGE
            self._writer.execute(f"PRAGMA max_page_count={pages}")
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One view of everything, whatever is written meanwhile. Raises Broken and Unavailable."""
        with self._reading, self._told():
            self._reader.execute("BEGIN")
            try:
                yield self._reader
            finally:
                self._reader.execute("ROLLBACK")

    @property
    def reserve(self) -> int:
        """Bytes of the room that only deleting may use."""
        return min(2 << 20, self._size // 4)

    def resize(self, size: int) -> None:
        """The room in bytes from now on. One that is smaller than what is used lets nothing more in."""
        with self._lock:
            self._size = size

    def used(self) -> int:
        """Bytes, without what deleted entries have left free."""
        with self.reading() as db:
            pages, free = (int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count"))
        return (pages - free) * PAGE

    def copy(self, path: Path) -> None:
        """A copy as it is now. Raises Full, Broken and Unavailable."""
        with (
            self._told(),
            contextlib.closing(_connect(self.folder / FILE)) as source,
            contextlib.closing(sqlite3.connect(path)) as to,
        ):
            source.backup(to, pages=256)
            to.execute("PRAGMA journal_mode=DELETE")

    def close(self) -> None:
        """What is in the log goes into the file."""
        with self._lock, self._reading:
            self._reader.close()
            with contextlib.suppress(sqlite3.Error):
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._writer.close()
            self._held.close()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if code(error) in _FULL:
                about = os.statvfs(self.folder)
                no_room = about.f_bavail * about.f_frsize < LEAST_FREE
                raise Full(str(error), disk=no_room or code(error) == sqlite3.SQLITE_IOERR) from error
            if code(error) in _BROKEN:
                raise Broken(str(error)) from error
            raise Unavailable(str(error)) from error

    def _alone(self) -> bool:
        """Whether nobody else has the file open; they wait until we have looked at it."""
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(self._held, fcntl.LOCK_SH)  # who is alone now is looking at it
            return False
        return True

    def _open(self, alone: bool) -> sqlite3.Connection:
        path = self.folder / FILE
        try:
            return _checked(path)
        except sqlite3.DatabaseError as error:
            if code(error) not in _BROKEN or not alone:
                raise KgentsError("the memory cannot be opened", why=str(error)) from error
            self._put_aside(path)
            return _checked(path)

    def _put_aside(self, path: Path) -> None:
        """One broken file is kept: the newest, for they take room."""
        for old in self.folder.glob(f"{FILE}.broken-*"):
            old.unlink()
        self.set_aside = f"{FILE}.broken-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
        for end in ("-shm", "-wal", ""):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + end).rename(self.folder / f"{self.set_aside}{end}")


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False, cached_statements=32)
    try:
        db.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        db.execute("PRAGMA trusted_schema=OFF")
        db.execute("PRAGMA cell_size_check=ON")
    except sqlite3.Error:
        db.close()
        raise
    return db


def _checked(path: Path) -> sqlite3.Connection:
    """Raises sqlite3.DatabaseError for a file that is damaged, and for one that is not ours."""
    db = _connect(path)
    try:
        db.execute(f"PRAGMA page_size={PAGE}")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA wal_autocheckpoint=256")
        db.execute(f"PRAGMA journal_size_limit={1 << 20}")
        _lay_out(db, path)
    except sqlite3.Error:
        db.close()
        raise
    path.chmod(0o600)
    return db


def _lay_out(db: sqlite3.Connection, path: Path) -> None:
    if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        db.executescript(
            f"BEGIN IMMEDIATE;{_SCHEMA}PRAGMA application_id={APPLICATION};PRAGMA user_version={LAYOUT};COMMIT"
        )
        return
    said = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    kind, layout = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    if said != "ok" or kind != APPLICATION:
        error = sqlite3.DatabaseError(str(said) if said != "ok" else "it is no memory of an agent")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error
    if layout > LAYOUT:
        raise KgentsError(
            f"the memory in {path} is of a newer kgents", why=f"its layout is {layout}, known is {LAYOUT}"
        )
