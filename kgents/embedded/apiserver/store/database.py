"""The log on disk. One writer thread gathers what is waiting into one transaction, so that one sync serves many.

A row is a version of an object. Rows that were superseded long ago are removed; what is left adds up to the
current state and to the recent history. SQLite runs with WAL and synchronous=FULL: a commit returns after fsync.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kgents.embedded.apiserver.store import ceiling, layout
from kgents.embedded.apiserver.store.layout import Connection, Damaged, Row
from kgents.embedded.apiserver.store.lock import Lock, unusable
from kgents.embedded.apiserver.store.pages import Pages, Wal
from kgents.embedded.auth.files import write_private

Item = tuple[Row, Any] | tuple[list[int], int] | None
Deliver = Callable[[list[Any], Exception | None], None]
log = logging.getLogger(__name__)
SPARE = 2048
"""Free pages that the file may keep for what is written next, 8 MiB."""
FREE_AT_ONCE = 64
"""Pages given back to the file system in one go, 256 KiB: a writer never waits for more."""


def connect(path: str) -> sqlite3.Connection:
    """An autocommit connection that may be handed to the writer thread."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


def mark_of(store: Path) -> Path:
    """A file that says that the store must not be opened again as it is, and why."""
    return store.with_name(store.name + ".broken")


class Database:
    """The append-only log. `deliver` is called in the writer thread, once for each transaction.

    Raises Damaged for a file that is not what was written, UsageError for one in use or of a newer kgents,
    StoreFailed for one that cannot be worked with here and now.
    """

    def __init__(self, path: Path, connector: Callable[[str], Connection] = connect) -> None:
        self.path = path
        self._lock = Lock(path)
        self._db: Connection | None = None
        self.deliver: Deliver = lambda tokens, error: None
        self.failure: Exception | None = None
        """Why the last transaction that failed did."""
        self._queue: queue.SimpleQueue[Item] = queue.SimpleQueue()
        try:
            self._open(connector)
        except BaseException as error:
            self._let_go()
            if isinstance(error, sqlite3.Error) and layout.is_damage(error):
                raise Damaged(str(error)) from error
            if isinstance(error, sqlite3.Error | OSError):
                raise unusable(path, error) from error
            raise
        self._ceiling = ceiling.Ceiling()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    def _open(self, connector: Callable[[str], Connection]) -> None:
        if self.path.exists():
            self.path.chmod(0o600)
        pages = Pages(self.path)
        try:
            layout.refuse_newer(self.path, pages.layout())
            self._check_wal(pages.wal)
        finally:
            pages.close()
        self._db = connector(str(self.path))
        self.path.chmod(0o600)
        # Exclusive: nobody else reads or writes it, so the index of the log needs no shared memory.
        self._execute("PRAGMA locking_mode=EXCLUSIVE")
        if self.path.stat().st_size == 0:
            self._execute(f"PRAGMA page_size={layout.PAGE}")
            self._execute("PRAGMA auto_vacuum=INCREMENTAL")
        self._execute("PRAGMA journal_mode=WAL")
        self._execute("PRAGMA synchronous=FULL")
        self._execute("PRAGMA wal_autocheckpoint=2000")
        self._execute("PRAGMA journal_size_limit=16777216")
        # What was removed is overwritten: rows found in a broken file are then rows that were there.
        self._execute("PRAGMA secure_delete=ON")
        layout.prepare(self._connection)
        layout.check(self._connection)
        if self.meta("open") and not pages.wal.present:
            raise Damaged("its write-ahead log is missing")

    @property
    def _connection(self) -> Connection:
        assert self._db is not None
        return self._db

    def _execute(self, sql: str, parameters: Any = ()) -> Any:
        return self._connection.execute(sql, parameters)

    def _check_wal(self, wal: Wal) -> None:
        """Whether the write-ahead log is whole, as far as that can be told; before SQLite has touched it.

        Of a torn end nobody can say whether it had been acknowledged; SQLite drops it, as after a crash.
        """
        if wal.header_damaged:
            raise Damaged("the header of its write-ahead log makes no sense")
        # Each commit was on disk before the next began, so only one can have been under way when all ended.
        if wal.unreachable_commits > 1:
            raise Damaged("its write-ahead log is broken in the middle")

    def start(self, last: int) -> int:
        """From now on rows are taken. Until then nothing is written: what is broken stays as it was found.

        `last` is the last version that was found. Returns the one to go on behind: a higher one if this is an older
        copy of the store that was put back, since its clients have seen what came after it. Raises StoreFailed.
        """
        try:
            return self._start(last)
        except (sqlite3.Error, OSError) as error:
            self._let_go()
            raise unusable(self.path, error) from error

    def _start(self, last: int) -> int:
        known, starts = ceiling.read(self.path), self.meta("starts")
        if known.starts > starts:
            log.warning("%s is an older copy of itself: versions go on behind %d", self.path, known.version)
            last = max(last, known.version)
        starts = max(known.starts, starts) + 1
        self._execute("INSERT OR REPLACE INTO meta VALUES ('open', 1), ('starts', ?)", (starts,))
        # On disk before the first write, or a lost write-ahead log would not be missed.
        self._execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._ceiling = ceiling.lift(self.path, last, starts)
        self._thread.start()
        return last

    def synchronous(self) -> int:
        """SQLite's own word on how it syncs: 2 is FULL."""
        return layout.number(self._connection, "PRAGMA synchronous")

    def rows(self) -> Iterator[Row]:
        """All rows, oldest first. Only before the first append. Raises Damaged."""
        select = "SELECT rv, resource, namespace, name, deleted, value, crc FROM log ORDER BY rv"
        try:
            for *columns, crc in self._execute(select):
                row: Row = tuple(columns)
                if not layout.is_sound(row, crc):
                    raise Damaged(f"version {row[0]}, of {row[1]} {row[2]}/{row[3]}, is not what was written")
                yield row
        except (sqlite3.Error, UnicodeDecodeError, TypeError) as error:
            raise Damaged(str(error)) from error

    def meta(self, key: str) -> int:
        """A number kept beside the log, 0 when there is none."""
        return next((int(row[0]) for row in self._execute("SELECT value FROM meta WHERE key=?", (key,))), 0)

    def append(self, row: Row, token: Any) -> None:
        """Hands a row over; its token is delivered once it is on disk, or with the error that kept it from there."""
        self._queue.put((row, token))

    def forget(self, versions: list[int], horizon: int) -> None:
        """Removes superseded rows some time soon and notes how far back the history now reaches."""
        self._queue.put((versions, horizon))

    def close(self) -> None:
        """Writes what waits, then lets go of the file."""
        if not self._thread.is_alive():
            self._let_go()
            return
        self._queue.put(None)
        self._thread.join()
        error = self._transact(lambda: self._execute("UPDATE meta SET value=0 WHERE key='open'"))
        self._let_go()
        if error is not None:
            # The file still says it is open, and SQLite has just removed the log that it would miss at the next start.
            self.path.with_name(self.path.name + "-wal").touch(0o600)

    def _let_go(self) -> None:
        if self._db is not None:
            self._db.close()
        self._lock.release()

    def _run(self) -> None:
        spare = False
        while True:
            try:
                batch = self._gather(self._queue.get(block=not spare))
            except queue.Empty:
                spare = self._give_back()
                continue
            rows, obsolete, stopping = batch
            if rows or obsolete:
                error = self._commit(rows, obsolete)
                if rows:
                    self.deliver([token for _, token in rows], error)
            spare = spare or bool(obsolete)
            if stopping:
                return

    def _gather(self, item: Item) -> tuple[list[tuple[Row, Any]], list[tuple[list[int], int]], bool]:
        """One item and all that wait behind it: rows, versions to forget, whether to stop."""
        rows: list[tuple[Row, Any]] = []
        obsolete: list[tuple[list[int], int]] = []
        stopping = False
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
                return rows, obsolete, stopping

    def _give_back(self) -> bool:
        """Returns some free pages to the file system; whether there are more of them than are worth keeping."""
        try:
            free = layout.number(self._connection, "PRAGMA freelist_count")
            if free > SPARE:
                list(self._execute(f"PRAGMA incremental_vacuum({FREE_AT_ONCE})"))
        except sqlite3.Error as error:
            log.warning("Free space of %s stays where it is: %s", self.path, error)
            return False
        return free > SPARE + FREE_AT_ONCE

    def _commit(self, rows: list[tuple[Row, Any]], obsolete: list[tuple[list[int], int]]) -> Exception | None:
        def write() -> None:
            if rows:
                values = [(*row, layout.checksum(row)) for row, _ in rows]
                self._connection.executemany("INSERT INTO log VALUES (?,?,?,?,?,?,?)", values)
            for versions, horizon in obsolete:
                self._connection.executemany("DELETE FROM log WHERE rv=?", [(rv,) for rv in versions])
                self._execute("INSERT OR REPLACE INTO meta VALUES ('horizon', ?)", (horizon,))

        try:
            if rows and rows[-1][0][0] > self._ceiling.version:
                self._ceiling = ceiling.lift(self.path, rows[-1][0][0], self._ceiling.starts)
        except OSError as error:
            return error
        return self._transact(write)

    def _transact(self, write: Callable[[], Any]) -> Exception | None:
        try:
            self._execute("BEGIN IMMEDIATE")
            write()
            self._execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            self.failure = error
            self._rollback()
            return error
        return None

    def condemn(self, why: str) -> None:
        """Notes that the store is broken, so that the next start saves what it can."""
        try:
            write_private(mark_of(self.path), why.encode(errors="replace"))
        except OSError as error:
            log.error("That the store is broken cannot be noted beside it: %s", error)

    def _rollback(self) -> None:
        try:
            self._execute("ROLLBACK")
        except sqlite3.Error as error:
            # SQLite has already rolled back by itself after a full disk or an I/O error.
            if "no transaction" not in str(error) and not layout.is_damage(error):
                raise
