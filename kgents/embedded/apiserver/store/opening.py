"""The way to an open store: as it is, brought up to date, or saved from what is left of a broken one."""

from __future__ import annotations

import logging
from pathlib import Path

from kgents.embedded.apiserver.store import recovery
from kgents.embedded.apiserver.store.database import Database
from kgents.embedded.apiserver.store.layout import Damaged
from kgents.embedded.apiserver.store.lock import StoreFailed
from kgents.embedded.apiserver.store.recovery import Salvage
from kgents.embedded.apiserver.store.store import Store

log = logging.getLogger(__name__)


def open_store(path: Path) -> tuple[Store, Salvage | None]:
    """The store in that file, and what had to be done for it if it was broken.

    Raises UsageError if it is in use or a newer kgents wrote it, StoreFailed if the disk doesn't let it be opened.
    """
    why = recovery.suspicion(path)
    if not why:
        try:
            return _load(path), None
        except Damaged as error:
            why = error.why
    done = recovery.salvage(path, why)
    log.error("%s", done.line)
    return _load(path), done


def _load(path: Path) -> Store:
    database = Database(path)
    try:
        return Store(database)
    except Damaged:
        database.close()
        raise


def close_store(store: Store) -> None:
    """Closes it. Raises Damaged if it broke while it was in use, after what is in memory was put in safety."""
    store.close()
    if not store.damage:
        return
    try:
        recovery.rescue(store.path, store.rows())
    except StoreFailed as error:
        log.error("What is in memory cannot be saved: %s", error)
    raise Damaged(store.damage)
