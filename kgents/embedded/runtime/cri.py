"""Reads a container's log as the container runtime interface lays it down: `<time> <stream> <F|P> <text>`.

One older file is kept beside it (`log.1`). Nothing is read whole: the end is found from behind, the rest goes block by
block, and whoever reads slowly is waited for. Lines that are torn or not of this form are left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

BLOCK = 64 * 1024
LONGEST_JOINED = 1024 * 1024
"""Bytes of one line that are kept back to be joined; of a longer one the pieces are given as they come."""
PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class Options:
    """What is wanted. `since` is a time as the log writes it (nine digits of fraction), or empty."""

    follow: bool = False
    tail: int | None = None
    since: bytes = b""
    timestamps: bool = False
    limit: int | None = None


async def read(folder: Path, options: Options, ended: Callable[[], bool]) -> AsyncGenerator[bytes]:
    """The output of the container kept in `folder`, in chunks. Raises OSError when the disk fails.

    When following, `ended` says that nothing more will be written; what was written before that is still given.
    """
    left = options.limit
    # Closed here and now when the reader goes: the files must not wait for the garbage collector.
    async with contextlib.aclosing(_read(folder, options, ended)) as chunks:
        async for chunk in chunks:
            yield chunk[:left]
            if left is not None:
                left -= len(chunk)
                if left <= 0:
                    return


async def _read(folder: Path, options: Options, ended: Callable[[], bool]) -> AsyncGenerator[bytes]:
    joiner = Joiner(options.since, options.timestamps)
    files = _open_both(folder)
    try:
        ends = [os.fstat(fd).st_size for fd in files]
        first, start = 0, 0
        if options.tail is not None:
            first, start = await asyncio.to_thread(tail_start, list(zip(files, ends, strict=True)), options.tail)
        cursor = Cursor(-1)
        for index in range(first, len(files)):
            cursor = Cursor(files[index], start if index == first else 0)
            while (lines := cursor.read(ends[index])) is not None:
                yield joiner.feed(lines)
                await asyncio.sleep(0)
        if options.follow:
            async for chunk in _follow(folder, cursor, files, joiner, ended):
                yield chunk
        yield joiner.rest()
    finally:
        for fd in files:
            os.close(fd)


async def _follow(
    folder: Path, cursor: Cursor, files: list[int], joiner: Joiner, ended: Callable[[], bool]
) -> AsyncGenerator[bytes]:
    """What is still being written, over rotations. Files that it opens are added to `files`."""
    while True:
        # Asked before reading: all that was written before the end is then read.
        done = ended()
        fd = _next(folder, cursor.fd)
        # And read after looking for a new file: nothing is added to the old one once there is a new one.
        while (lines := cursor.read()) is not None:
            yield joiner.feed(lines)
            await asyncio.sleep(0)
        if fd is not None:
            files.append(fd)
            cursor = Cursor(fd)
        elif done:
            return
        else:
            await asyncio.sleep(PAUSE)


@dataclass(slots=True)
class Cursor:
    """A place in one file. A half-written last line waits in `carry`. -1 stands for no file yet."""

    fd: int
    position: int = 0
    carry: bytes = field(default=b"", repr=False)

    def read(self, end: int | None = None) -> list[bytes] | None:
        """The complete lines of the next block; None where there is nothing more now (or before `end`)."""
        size = BLOCK if end is None else min(BLOCK, end - self.position)
        data = os.pread(self.fd, size, self.position) if self.fd >= 0 and size > 0 else b""
        if not data:
            return None
        self.position += len(data)
        *lines, self.carry = (self.carry + data).split(b"\n")
        return lines


class Joiner:
    """From lines of the log to the program's own output. Pieces of a long line are put together, stream by stream."""

    def __init__(self, since: bytes = b"", timestamps: bool = False) -> None:
        self.since, self.timestamps = since, timestamps
        self.open: dict[bytes, bytes] = {}

    def feed(self, lines: Iterable[bytes]) -> bytes:
        """The output of these lines."""
        out: list[bytes] = []
        for line in lines:
            parts = line.split(b" ", 3)
            if len(parts) != 4 or parts[0] < self.since:
                continue
            stamp, stream, tag, text = parts
            held = self.open.pop(stream, None)
            if held is None:
                held = stamp + b" " if self.timestamps else b""
            if tag == b"F":
                out.append(held + text + b"\n")
            elif tag == b"P":
                self.open[stream] = self._hold(held + text, out)
        return b"".join(out)

    def _hold(self, text: bytes, out: list[bytes]) -> bytes:
        if len(text) <= LONGEST_JOINED:
            return text
        out.append(text)
        return b""

    def rest(self) -> bytes:
        """Long lines whose end never came."""
        rest = b"".join(text + b"\n" for text in self.open.values() if text)
        self.open.clear()
        return rest


def tail_start(files: Sequence[tuple[int, int]], count: int) -> tuple[int, int]:
    """Where the last `count` lines begin: (index, offset). `files` are (descriptor, size), the oldest first."""
    if count == 0 and files:
        return len(files) - 1, files[-1][1]
    found, seen = 0, False
    for index in reversed(range(len(files))):
        for is_last_piece, end in _backwards(*files[index]):
            if seen and is_last_piece:
                found += 1
                if found == count:
                    return index, end
            seen = True
    return 0, 0


def _backwards(fd: int, size: int) -> Iterator[tuple[bool, int]]:
    """Each complete line, the last one first: whether it is whole (or a last piece), and the offset behind it."""
    position, carry = size, b""
    while position > 0:
        length = min(BLOCK, position)
        position -= length
        data = os.pread(fd, length, position) + carry
        stop = data.rfind(b"\n")
        while stop >= 0:
            before = data.rfind(b"\n", 0, stop)
            if before < 0 and position > 0:
                break
            head = data[before + 1 : min(stop, before + 80)].split(b" ", 3)
            yield len(head) > 2 and head[2] == b"F", position + stop + 1
            stop = before
        carry = data[: stop + 1]


def _open(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def _identity(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _open_both(folder: Path) -> list[int]:
    """The older file and the one being written, as far as they are there, and as they belong together."""
    while True:
        newest, older = _open(folder / "log"), _open(folder / "log.1")
        files = [fd for fd in (older, newest) if fd is not None]
        if newest is None or _identity(folder / "log") == os.fstat(newest).st_ino:
            return files
        # It was rotated between the two looks.
        for fd in files:
            os.close(fd)


def _next(folder: Path, fd: int) -> int | None:
    """The file that follows the open one (-1: none is), opened; None while that one is the newest."""
    mine = os.fstat(fd).st_ino if fd >= 0 else None
    newest, older = _identity(folder / "log"), _identity(folder / "log.1")
    if newest is None or newest == mine:
        return None
    # Rotated twice since the last look: the older file has not been read either.
    return _open(folder / ("log" if older in (None, mine) else "log.1"))
