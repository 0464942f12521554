"""A version that none has reached yet, in a file of its own, so that a damaged store can't make versions go back.

A client that saw version 9 000 before the damage must never be given 8 000 as something new after it. What the
damaged file says of the last version cannot be trusted; this file can, and it costs one sync in ten thousand writes.
"""

from __future__ import annotations

import time
from pathlib import Path

from kgents.embedded.auth.files import write_private

STEP = 10_000


def _file(store: Path) -> Path:
    return store.with_name(store.name + ".ceiling")


def read(store: Path) -> int:
    """No version of this store is higher. 0 if there is no such file, or it is broken."""
    try:
        text = _file(store).read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return 0
    return int(text) if text.strip().isdigit() else 0


def lift(store: Path, reached: int) -> int:
    """Makes room above a version that is about to be given out; on disk when this returns. The new ceiling."""
    ceiling = reached + STEP
    write_private(_file(store), str(ceiling).encode())
    return ceiling


def beyond(store: Path, found: int) -> int:
    """A version that was surely never given out, for a store of which only versions up to `found` could be read."""
    known = read(store)
    # Without the file: seconds since 1970. No hive has taken a write a second for so long.
    return max(known, found) if known else max(found, int(time.time()))
