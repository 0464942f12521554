"""The token that opens the memory: made here, in a folder that only this pod has.

Neither `secrets` nor `hmac` is used: they bring in OpenSSL, 5 MB that nothing else here needs.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from pathlib import Path

_TOKEN = re.compile(r"[0-9a-f]{64}")


def make_token(path: Path) -> str:
    """The token in the file at `path`; made if there is none, kept if there is, so that a restart locks nobody out.

    The file is its owner's alone (0600). Where the folder hands its group on, as Kubernetes arranges for a pod with an
    fsGroup, the group may read it too: there the agent's container may run as another user. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = _kept(path)
    if kept:
        return kept
    mode = 0o640 if path.parent.stat().st_mode & stat.S_ISGID else 0o600
    token, scratch = os.urandom(32).hex(), path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(handle, "w") as file:
        os.fchmod(handle, mode)
        file.write(token)
    scratch.replace(path)
    return token


def _kept(path: Path) -> str:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        about = path.lstat()
        if stat.S_ISREG(about.st_mode) and not about.st_mode & 0o037:
            found = path.read_text().strip()
            return found if _TOKEN.fullmatch(found) else ""
    return ""


def opens(token: str, header: str) -> bool:
    """Whether an Authorization header bears the token."""
    scheme, _, shown = header.partition(" ")
    return scheme.lower() == "bearer" and _same(shown.strip().encode(), token.encode())


def _same(one: bytes, other: bytes) -> bool:
    """Compared to the end, so that the time it takes does not tell how much of it was right."""
    differences = len(one) ^ len(other)
    for left, right in zip(one, other, strict=False):
        differences |= left ^ right
    return not differences
