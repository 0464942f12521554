"""What a container says of its own end: a file that it writes, or the last lines of its log.

https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kgents.embedded.runtime.attempts import Attempt
from kgents.embedded.runtime.cri import Joiner

Object = Mapping[str, Any]
FILE = "termination-log"
DEFAULT_PATH = "/dev/termination-log"
MOST = 4096
"""Bytes of a file that are kept; of a log it is half of that, and so many lines at most."""
MOST_LOG, MOST_LINES = 2048, 80
_TAIL = 16 * 1024


def mount(container: Object, folder: Path, *, own_dev: bool) -> list[dict[str, Any]]:
    """The mount of the file, for an attempt in `folder`. None at the default path where there is no /dev for each."""
    path = container.get("terminationMessagePath") or DEFAULT_PATH
    if path == DEFAULT_PATH and not own_dev:
        return []
    return [{"source": str(folder / FILE), "target": path, "readOnly": False}]


def make_room(folder: Path) -> None:
    """Makes the file, once it is sure that there will be an attempt: its folder alone would look like one."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / FILE).touch()
    (folder / FILE).chmod(0o666)  # whoever it runs as; the folder is closed to others


def of(container: Object, attempt: Attempt) -> str:
    """The termination message of an attempt that ended; "" when it left none."""
    if attempt.end is None or attempt.end.get("trouble"):
        return ""
    said = _head(attempt.folder / FILE)
    failed = bool(attempt.end.get("exitCode"))
    if not said and failed and container.get("terminationMessagePolicy") == "FallbackToLogsOnError":
        said = _log_tail(attempt.folder / "log")
    return said.decode(errors="replace")


def _head(path: Path) -> bytes:
    try:
        # Its program may have put anything there: no link is followed, and nothing is waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, MOST)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _log_tail(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - _TAIL))
            lines = file.read().split(b"\n")[1 if size > _TAIL else 0 :]
    except OSError:
        return b""
    joiner = Joiner()
    text = joiner.feed(lines) + joiner.rest()
    return b"".join(text.splitlines(keepends=True)[-MOST_LINES:])[-MOST_LOG:]
