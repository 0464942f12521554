"""Where kgents keeps things on this machine. Standard library only: every command imports this.

    $KGENTS_HOME (default ~/.kgents)
        hives/<hive>/     one embedded hive: keys, store, logs, pods
        ghost/<hive>/     the last known state
        witness/          the journal
        run/              sockets, tokens and pids of the Cortex daemons

Everything is private to the user: directories 0700, files 0600.
"""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The root of it all. `KGENTS_HOME` moves it. Not created here."""
    configured = os.environ.get("KGENTS_HOME")
    return Path(configured).expanduser() if configured else Path.home() / ".kgents"


def private_dir(path: Path) -> Path:
    """`path`, existing and readable by its owner alone. Raises OSError when it cannot be made."""
    missing = []
    ancestor = path
    while not ancestor.exists():
        missing.append(ancestor)
        ancestor = ancestor.parent
    for folder in reversed(missing):  # not mkdir(parents=True): that gives the ancestors the umask's mode
        folder.mkdir(mode=0o700, exist_ok=True)
    return path


def hive_dir(hive: str) -> Path:
    return home() / "hives" / hive


def context_key(context: str, server: str) -> str:
    """What identifies one Cortex: the kubeconfig context and the server behind it."""
    return f"{context}|{server}"


def folder_stem(context: str) -> str:
    """How the names of the folders begin in which something is kept of the hives of that context."""
    import re

    return re.sub(r"[^A-Za-z0-9.-]+", "-", context).strip("-.")[:60] or "hive"


def _runtime_file(key: str, suffix: str) -> Path:
    import hashlib  # it brings OpenSSL along, four megabytes that the supervisor has no use for

    # A Unix socket's path holds about 100 bytes: the name is hashed so that long contexts fit.
    digest = hashlib.sha256(key.encode()).hexdigest()[:12]
    return home() / "run" / f"{digest}.{suffix}"


def cortex_socket(key: str) -> Path:
    return _runtime_file(key, "sock")


def cortex_token_file(key: str) -> Path:
    return _runtime_file(key, "token")


def cortex_pid_file(key: str) -> Path:
    return _runtime_file(key, "pid")


def cortex_authority_file(key: str) -> Path:
    """The certificate of whom to trust about a Cortex elsewhere, as that hive has published it."""
    return _runtime_file(key, "ca")


def cortex_log_file(key: str) -> Path:
    return _runtime_file(key, "log")
