"""kind clusters, through the program kind: https://kind.sigs.k8s.io"""

from __future__ import annotations

import shutil
import subprocess

from kgents.api.errors import KgentsError, UsageError

USUAL = "kind"
"""The name that kind gives a cluster."""


def context_of(name: str) -> str:
    """The kubeconfig context of the cluster called `name`."""
    return f"kind-{name}"


def make(name: str, timeout: float) -> bool:
    """The cluster, running; its context is in the kubeconfig. True when it was made, False when it was there.

    Raises UsageError without the program, KgentsError with its own words when it fails.
    """
    there = name in _kind("get", "clusters").split()
    if there:
        _kind("export", "kubeconfig", "--name", name)
    else:
        _kind("create", "cluster", "--name", name, "--wait", f"{timeout:.0f}s")
    return not there


def delete(name: str) -> None:
    """Raises as `make` does."""
    _kind("delete", "cluster", "--name", name)


def _kind(*words: str) -> str:
    program = shutil.which("kind")
    if program is None:
        raise UsageError(
            "The program kind is not on this machine",
            why="kgents leaves the making of kind clusters to it",
            fix="Get it (https://kind.sigs.k8s.io/docs/user/quick-start) with a container engine beside it; or do "
            "without: kgents infra init makes a hive that needs neither",
        )
    done = subprocess.run([program, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in said if line.startswith("ERROR")] or said
        raise KgentsError(f"kind {' '.join(words[:2])} failed", why="; ".join(errors[:2])[:400] or "it says nothing")
    return done.stdout
