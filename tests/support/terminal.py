"""A real terminal with a program in it: what it shows, keys, sizes, and how it is left."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType

import pyte

from tests.support.waiting import DEADLINE, eventually

ALTERNATE = (1049 << 5, 1047 << 5, 47 << 5)
MOUSE = tuple(mode << 5 for mode in (1000, 1002, 1003, 1006, 1015))
PASTE = 2004 << 5
KEYS = {
    "enter": "\r", "escape": "\x1b", "tab": "\t", "space": " ", "backspace": "\x7f", "ctrl+c": "\x03", "ctrl+q": "\x11",
    "ctrl+p": "\x10", "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "end": "\x1b[F",
}  # fmt: skip


class Terminal:
    """`with Terminal(words, environment) as terminal:`; what still runs at the end is ended."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], size: tuple[int, int] = (120, 40)) -> None:
        self._ours, self._theirs = pty.openpty()
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self._heads: list[str] = []
        self._set_size(*size)
        self._before = termios.tcgetattr(self._theirs)
        theirs = self._theirs
        self.process = subprocess.Popen(
            list(words),
            env={"TERM": "xterm-256color", "LANG": "C.UTF-8", **environment},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0),
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._thread.start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, type: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._stop.set()
        self._thread.join()
        os.close(self._ours)
        os.close(self._theirs)

    def lines(self) -> list[str]:
        """What it shows now."""
        with self._lock:
            return list(self._screen.display)

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines())

    def heads(self) -> list[str]:
        """Every first line that was ever shown, oldest first."""
        with self._lock:
            return list(self._heads)

    def colours(self) -> set[str]:
        """Every colour on the screen: of text and of its ground."""
        with self._lock:
            cells = [cell for line in self._screen.buffer.values() for cell in line.values()]
            return {cell.fg for cell in cells} | {cell.bg for cell in cells}

    def press(self, *keys: str) -> None:
        """Keys by name, or as they are."""
        for key in keys:
            os.write(self._ours, KEYS.get(key, key).encode())

    def shows(self, *texts: str, timeout: float = DEADLINE) -> None:
        """Waits until all of these stand on the screen."""

        def look() -> bool:
            shown = self.text()
            missing = [text for text in texts if text not in shown]
            assert not missing, f"{missing} is not shown; exit {self.process.poll()}:\n{shown}"
            return True

        eventually(look, timeout)

    def hides(self, text: str, timeout: float = DEADLINE) -> None:
        """Waits until this stands there no more."""

        def look() -> bool:
            assert text not in self.text(), f"“{text}” is still shown:\n{self.text()}"
            return True

        eventually(look, timeout)

    def resize(self, columns: int, rows: int) -> None:
        with self._lock:
            self._screen.resize(rows, columns)
        self._set_size(columns, rows)
        self.process.send_signal(signal.SIGWINCH)

    def ended(self, timeout: float = DEADLINE) -> int:
        """The exit code, and all that was written is read."""
        code = self.process.wait(timeout)
        eventually(lambda: not select.select([self._ours], [], [], 0.2)[0])
        return code

    @property
    def is_restored(self) -> bool:
        """Whether a shell would find the terminal as it was: its own screen, a cursor, echo, no mouse."""
        with self._lock:
            modes = set(self._screen.mode)
        taken = {*ALTERNATE, *MOUSE, PASTE} & modes
        return not taken and pyte.modes.DECTCEM in modes and termios.tcgetattr(self._theirs) == self._before

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self) -> None:
        while not self._stop.is_set():
            if not select.select([self._ours], [], [], 0.1)[0]:
                continue
            with self._lock:
                self._stream.feed(os.read(self._ours, 65536))
                head = self._screen.display[0]
                if not self._heads or self._heads[-1] != head:
                    self._heads.append(head)
