"""One way to write a private file: whole or not at all. Standard library only, and cheap: every command may need it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def write_private(path: Path, content: str | bytes, *, durable: bool = True) -> None:
    """Puts `content` in place of what `path` holds, at once, readable by its owner alone (0600).

    A reader sees the old file or the new one; of several writers the last one wins. `durable` waits for the disk.
    Raises OSError, leaving the old file and no scratch file.
    """
    scratch = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        scratch.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            scratch.unlink()
        raise
