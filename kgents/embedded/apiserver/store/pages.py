"""The pages of a SQLite file, read without SQLite: which is how one finds out what a broken file still holds.

The format is https://www.sqlite.org/fileformat2.html. Pages that the write-ahead log has anew are taken from there.
"""

from __future__ import annotations

import logging
import os
import struct
from pathlib import Path

from kgents.embedded.apiserver.store.layout import PAGE

MAGIC = b"SQLite format 3\0"
WAL_MAGIC = (0x377F0682, 0x377F0683)
WAL_HEADER, FRAME_HEADER = 32, 24
log = logging.getLogger(__name__)


class Wal:
    """A write-ahead log: which frames belong to it, whether or not SQLite would still find them.

    SQLite stops at the first frame whose checksum is wrong, as it should after a crash, and forgets what follows.
    """

    def __init__(self, path: Path) -> None:
        self.present = path.is_file()
        self.data = path.read_bytes() if self.present else b""
        self.header_damaged = bool(self.data[:WAL_HEADER].strip(b"\0")) and not self._sound_header()
        self.frames: list[tuple[int, int]] = []
        """(page number, offset of its content), as far as the last commit."""
        self.unreachable_commits = 0
        """Commits behind the first frame that is broken."""
        if self._sound_header():
            self._scan()

    def _sound_header(self) -> bool:
        head = self.data[:WAL_HEADER]
        if len(head) < WAL_HEADER or _be(head, 0) not in WAL_MAGIC or _be(head, 8) != PAGE:
            return False
        return self._sum(head[:24]) == (_be(head, 24), _be(head, 28))

    def _scan(self) -> None:
        data, salts = self.data, self.data[16:24]
        pending: list[tuple[int, int]] = []
        total, sound = (_be(data, 24), _be(data, 28)), True
        for at in range(WAL_HEADER, len(data) - FRAME_HEADER - PAGE + 1, FRAME_HEADER + PAGE):
            if data[at + 8 : at + 16] != salts:
                sound = False
                continue
            content = at + FRAME_HEADER
            if sound:
                total = self._sum(data[at : at + 8] + data[content : content + PAGE], total)
                sound = total == (_be(data, at + 16), _be(data, at + 20))
            pending.append((_be(data, at), content))
            if _be(data, at + 4):
                self.unreachable_commits += not sound
                self.frames += pending
                pending = []

    def _sum(self, data: bytes, before: tuple[int, int] = (0, 0)) -> tuple[int, int]:
        """The checksum that SQLite chains from frame to frame; 0.1 s for a log of 8 MB."""
        words = struct.unpack(f"{'>' if self.data[3] & 1 else '<'}{len(data) // 4}I", data)
        one, two = before
        for even, odd in zip(words[::2], words[1::2], strict=True):
            one = one + even + two & 0xFFFFFFFF
            two = two + odd + one & 0xFFFFFFFF
        return one, two


class Pages:
    """The newest content of each page. What the disk refuses to read is as if it were not there."""

    def __init__(self, store: Path) -> None:
        self._file = store.open("rb") if store.is_file() else None
        self.wal = Wal(store.with_name(store.name + "-wal"))
        self._newer = dict(self.wal.frames)
        self._main = store.stat().st_size // PAGE if self._file is not None else 0
        self.bytes = self._main * PAGE + len(self.wal.data)

    def close(self) -> None:
        """Lets go of the file."""
        if self._file is not None:
            self._file.close()

    def numbers(self) -> list[int]:
        """The numbers of all pages."""
        return sorted({*range(1, self._main + 1), *self._newer})

    def page(self, number: int) -> bytes:
        """A page by its number, which begins with 1; empty if there is none."""
        if number < 1:
            return b""
        if number in self._newer:
            at = self._newer[number]
            return self.wal.data[at : at + PAGE]
        try:
            return os.pread(self._file.fileno(), PAGE, (number - 1) * PAGE) if self._file is not None else b""
        except OSError as error:
            log.error("Page %d of %s cannot be read: %s", number, self._file, error)
            return b""

    def layout(self) -> int:
        """The layout that the file says it has; 0 where it says none, or no sense."""
        first = self.page(1)
        return _be(first, 60) if first.startswith(MAGIC) and len(first) >= 64 else 0


def _be(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")
