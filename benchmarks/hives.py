"""Hives to measure: each in a home of its own, gone when the benchmark ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BIN = Path(sys.executable).parent
KGENTS = str(BIN / "kgents")
KUBECTL = str(BIN / "kubectl") if (BIN / "kubectl").exists() else shutil.which("kubectl") or "kubectl"


@contextmanager
def home() -> Iterator[dict[str, str]]:
    """The environment of a fresh user; his hives are deleted at the end."""
    folder = Path(tempfile.mkdtemp(prefix="kgents-bench-"))
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "KGENTS_HOME": str(folder / ".kgents"),
        "KUBECONFIG": str(folder / "kubeconfig"),
        "LANG": "C.UTF-8",
    }
    try:
        yield env
    finally:
        run(env, "infra", "delete", "--yes", "--if-exists", check=False)
        shutil.rmtree(folder, ignore_errors=True)


def run(env: dict[str, str], *arguments: str, check: bool = True, stdin: str | None = None) -> str:
    """Runs kgents; its standard output."""
    done = subprocess.run(
        [KGENTS, *arguments], env=env, check=False, capture_output=True, text=True, input=stdin, timeout=600
    )
    if check and done.returncode:
        raise RuntimeError(f"kgents {' '.join(arguments)} exited with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def hive_dir(env: dict[str, str], name: str = "laptop") -> Path:
    return Path(env["KGENTS_HOME"]) / "hives" / name
