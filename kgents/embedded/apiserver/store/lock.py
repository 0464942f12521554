"""Who may work with a store: one process at a time, and only where the disk lets it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from kgents.api.errors import KgentsError, UsageError


class StoreFailed(KgentsError):
    """The log could not be written; nothing of that transaction was acknowledged."""


class Lock:
    """Two servers on one file would each overwrite what the other acknowledged."""

    def __init__(self, store: Path) -> None:
        store.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = store.with_name(store.name + ".lock")
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unusable(store, error) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._fd)
            raise UsageError(
                f"The store {path.parent} is in use", why="another API server has it open", fix="Stop that one first."
            ) from error

    def release(self) -> None:
        os.close(self._fd)


def unusable(store: Path, error: Exception) -> KgentsError:
    """The store is not broken, but this process can't work with it as things are."""
    fix = f"Is there room on the disk, and may this user write {store.parent}? Nothing was changed."
    return StoreFailed(f"The store {store} cannot be opened", why=str(error), fix=fix)
