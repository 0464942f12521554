"""Reading the logs of the hive's processes: the last lines, and what comes after. Standard library only."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

_PAUSE = 0.25


def last_lines(path: Path, count: int) -> list[str]:
    """The last `count` lines, without their newlines."""
    with path.open(errors="replace") as file:
        return [line.rstrip("\n") for line in deque(file, maxlen=count)]


def follow_lines(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Lines as they are appended from now on, for ever; a file that is rotated is followed into its successor."""
    # Measured now and not when the first line is asked for: nothing written in between is lost.
    return _follow({path: (path.stat().st_ino, path.stat().st_size) for path in paths})


def _follow(places: dict[Path, tuple[int, int]]) -> Iterator[tuple[Path, str]]:
    while True:
        for path, (inode, offset) in places.items():
            if not path.exists():
                continue
            found = path.stat()
            start = offset if found.st_ino == inode and found.st_size >= offset else 0
            lines, end = _lines_from(path, start)
            places[path] = (found.st_ino, end)
            for line in lines:
                yield path, line
        time.sleep(_PAUSE)


def _lines_from(path: Path, start: int) -> tuple[list[str], int]:
    with path.open("rb") as file:
        file.seek(start)
        grown = file.read()
    whole = grown.rfind(b"\n") + 1  # half a line waits for its end
    return grown[:whole].decode(errors="replace").splitlines(), start + whole
