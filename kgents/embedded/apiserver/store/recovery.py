"""A broken store is set aside, never deleted, and what can be read of it begins a new one.

What is saved gets new versions, all higher than any that was ever given out: who knew an object as it was before sees
it as changed, and who wants to resume from an older version is told that it is gone (410). So nobody misses anything
silently. The steps are such that a kill between any two of them is finished at the next start.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from kgents.embedded.apiserver.store import ceiling
from kgents.embedded.apiserver.store.carving import carve
from kgents.embedded.apiserver.store.database import Database, mark_of
from kgents.embedded.apiserver.store.layout import FIRST, Row
from kgents.embedded.apiserver.store.lock import Lock, unusable
from kgents.embedded.auth.files import write_private

SIDE_FILES = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Salvage:
    """What became of a broken store. Kept as JSON beside what was set aside, for whoever wants to know later."""

    time: str
    why: str
    saved: int
    aside: str

    @property
    def line(self) -> str:
        """For people, in one line."""
        objects = "1 object was" if self.saved == 1 else f"{self.saved} objects were"
        return (
            f"The hive's store was damaged ({self.why}): {objects} saved into a new one, what was written last may be "
            f"missing. What was left of the old one is kept as {self.aside}"
        )


def suspicion(store: Path) -> str:
    """What can be seen of a store's state without opening it: why it can't be right, or nothing."""
    mark = mark_of(store)
    if mark.exists():
        return mark.read_text(errors="replace").strip() or "an error was met while it was in use"
    if store.exists() and not store.is_file():
        return "it is not a file"
    if ceiling.read(store).version and (not store.exists() or store.stat().st_size == 0):
        return "its file is missing" if not store.exists() else "its file is empty"
    return ""


def salvage(store: Path, why: str) -> Salvage:
    """Puts a new store in the place of a broken one. Raises StoreFailed if there is no room; then nothing changed."""
    lock = Lock(store)
    try:
        done = _finish(store) or _replace(store, why)
        mark_of(store).unlink(missing_ok=True)
        return done
    except OSError as error:
        raise unusable(store, error) from error
    finally:
        lock.release()


def rescue(store: Path, objects: Iterable[Row]) -> None:
    """Puts what a server still has in memory beside the store that broke under it: the next start takes it from there.

    Raises StoreFailed if the disk does not take it; then the next start reads what it can of the broken store.
    """
    lock = Lock(store)
    try:
        begun = store.with_name(store.name + ".memory")
        _remove(begun)
        _write(begun, FIRST, objects)
        begun.rename(_rescued(store))
        _remove(begun)
    except OSError as error:
        raise unusable(store, error) from error
    finally:
        lock.release()


def latest(store: Path) -> Salvage | None:
    """The last salvage whose remains are still there."""
    for report in sorted(store.parent.glob(f"{store.name}.damaged-*.json"), reverse=True):
        try:
            return Salvage(**orjson.loads(report.read_bytes()))
        except (OSError, ValueError, TypeError):
            continue  # a report that nobody can read says nothing; an older one may
    return None


def _fresh(store: Path) -> Path:
    return store.with_name(store.name + ".saved")


def _rescued(store: Path) -> Path:
    return store.with_name(store.name + ".rescued")


def _remove(store: Path) -> None:
    """A store of which nobody needs anything any more, with all that stands beside it."""
    for path in store.parent.glob(store.name + "*"):
        path.unlink()


def _replace(store: Path, why: str) -> Salvage:
    now = time.gmtime()
    aside = _free_name(store.with_name(f"{store.name}.damaged-{time.strftime('%Y%m%dT%H%M%SZ', now)}"))
    rescued = mark_of(store).exists() and _rescued(store).exists()
    objects = _current(carve(_rescued(store) if rescued else store))
    _build(store, objects)
    done = Salvage(time.strftime("%Y-%m-%dT%H:%M:%SZ", now), why, len(objects), aside.name)
    write_private(aside.with_name(aside.name + ".json"), orjson.dumps(asdict(done)))
    _swap(store, aside)
    _remove(_rescued(store))
    return done


def _free_name(wanted: Path) -> Path:
    """That name, or one beside it: what was set aside before stays."""
    names = (wanted if not n else wanted.with_name(f"{wanted.name}-{n}") for n in range(1000))
    return next(one for one in names if not one.with_name(one.name + ".json").exists() and not one.exists())


def _current(rows: Iterable[Row]) -> list[Row]:
    newest: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        known = newest.get(row[1:4])
        if known is None or known[0] < row[0]:
            newest[row[1:4]] = row
    return sorted(row for row in newest.values() if not row[4])


def _build(store: Path, objects: list[Row]) -> None:
    fresh = _fresh(store)
    _remove(fresh)
    version = ceiling.beyond(store, max((row[0] for row in objects), default=0))
    ceiling.lift(store, version + len(objects), ceiling.read(store).starts)
    renewed = (_renewed(row, version + number) for number, row in enumerate(objects, start=1))
    _write(fresh, version, renewed, horizon=version + len(objects))


def _renewed(row: Row, version: int) -> Row:
    obj = orjson.loads(row[5])
    obj["metadata"]["resourceVersion"] = str(version)
    return (version, *row[1:5], orjson.dumps(obj))


def _write(path: Path, last: int, rows: Iterable[Row], horizon: int = FIRST) -> None:
    """A whole store of these rows. Raises StoreFailed."""
    database = Database(path)
    database.start(last)
    for row in rows:
        database.append(row, None)
    database.forget([], horizon)
    database.close()
    if database.failure is not None:
        raise unusable(path, database.failure) from database.failure


def _swap(store: Path, aside: Path) -> None:
    # The new store comes last: beside a stale write-ahead log it would be read with it.
    for ending in SIDE_FILES:
        path = store.with_name(store.name + ending)
        if path.exists():
            path.rename(aside.with_name(aside.name + ending))
    _fresh(store).rename(store)
    _remove(_fresh(store))


def _finish(store: Path) -> Salvage | None:
    """Ends what a kill interrupted: the broken store is away already, the new one not yet in its place."""
    done = latest(store)
    if done is None or store.exists() or not _fresh(store).exists():
        return None
    _swap(store, store.with_name(done.aside))
    return done
