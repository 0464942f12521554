"""A version that none has reached yet, in a file of its own, so that nothing can make versions go back.

A client that saw version 9 000 must never be given 8 000 as something new after it: neither when a store was broken,
nor when an older copy of it was put back. What the store itself says of its last version cannot be trusted then; this
file can, and it costs one sync in ten thousand writes. It also counts the starts, which tells a copy from the original.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from kgents.embedded.auth.files import write_private

STEP = 10_000


class Ceiling(NamedTuple):
    """No version is higher; and how often the store was started. Both 0 where nothing is known."""

    version: int = 0
    starts: int = 0


def _file(store: Path) -> Path:
    return store.with_name(store.name + ".ceiling")


def read(store: Path) -> Ceiling:
    """What the file says; nothing if there is none, or it is broken."""
    try:
        text = _file(store).read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return Ceiling()
    numbers = [int(part) for part in text.split() if part.isdigit() and len(part) < 20]
    return Ceiling(*numbers) if len(numbers) == 2 else Ceiling()


def lift(store: Path, reached: int, starts: int) -> Ceiling:
    """Makes room above a version that is about to be given out; on disk when this returns."""
    ceiling = Ceiling(reached + STEP, starts)
    write_private(_file(store), f"{ceiling.version} {ceiling.starts}".encode())
    return ceiling


def beyond(store: Path, found: int) -> int:
    """A version that was surely never given out, for a store of which only versions up to `found` could be read."""
    known = read(store).version
    # Without the file: seconds since 1970. No hive has taken a write a second for so long.
    return max(known, found) if known else max(found, int(time.time()))
