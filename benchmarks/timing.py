"""Timing whole commands in turn (A B A B …), so that a change of the machine's speed meets both; medians are quoted."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

Command = Sequence[str]


def seconds(command: Command, env: Mapping[str, str]) -> float:
    """Wall time of one run. Raises CalledProcessError when it fails: a failing command's time says nothing."""
    begun = time.perf_counter()
    subprocess.run(command, env=dict(env), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return time.perf_counter() - begun


def compare(label: str, ours: Command, peer: Command, env: Mapping[str, str], *, runs: int = 9) -> float:
    """Prints both medians and the ratio ours/peer, pair by pair; returns the median ratio."""
    seconds(ours, env), seconds(peer, env)
    pairs = [(seconds(ours, env), seconds(peer, env)) for _ in range(runs)]
    ratio = statistics.median(a / b for a, b in pairs)
    a, b = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{label:44} {a * 1000:8.0f} ms   peer {b * 1000:8.0f} ms   ratio {ratio:5.2f}")
    return ratio


def alone(label: str, command: Command, env: Mapping[str, str], *, runs: int = 7) -> float:
    """Prints and returns the median wall time of one command, in seconds."""
    times = [seconds(command, env) for _ in range(runs)]
    middle = statistics.median(times)
    print(f"{label:44} {middle * 1000:8.0f} ms   ({min(times) * 1000:.0f} to {max(times) * 1000:.0f})")
    return middle


def once(label: str, action: Callable[[], object]) -> float:
    """Prints and returns how long `action` took, in seconds."""
    begun = time.perf_counter()
    action()
    took = time.perf_counter() - begun
    print(f"{label:44} {took * 1000:8.0f} ms")
    return took
