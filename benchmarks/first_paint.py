"""From exec to the first frame that shows an agent, in a real pseudo-terminal."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.agents import plant
from benchmarks.crowd import agent_row, signal_row
from benchmarks.hives import KGENTS, KUBECTL, hive_dir, home, run
from benchmarks.timing import alone
from kgents.glass.ghost import AGENTS, PHEROMONES, PROPOSALS, Ghost, hive_name
from kgents.infra.home import context_key

SIZES = ((80, 24), (160, 50))
RUNS = 5
TERRARIUM = (KGENTS, "terrarium", "-A")
NAME = b"agent-0"
"""What is waited for: the beginning of an agent's name."""
PATIENCE = 20.0
SIGNALS = 1000
"""So many are remembered at most."""
SERVER = "https://127.0.0.1:1"
KUBECONFIG = f"""apiVersion: v1
kind: Config
current-context: nowhere
contexts: [{{name: nowhere, context: {{cluster: nowhere, user: nobody}}}}]
clusters: [{{name: nowhere, cluster: {{server: "{SERVER}"}}}}]
users: [{{name: nobody, user: {{}}}}]
"""


class Seen(NamedTuple):
    """Seconds until it was seen, and how many of them the process computed."""

    wall: float
    cpu: float


def main() -> None:
    for count in (5, 10_000):
        with home() as env:
            _remember(env, count)
            print(f"a ghost of {count} agents, nothing runs")
            _sizes(TERRARIUM, {**env, "KGENTS_NO_DAEMON": "1"})
    with home() as env:
        run(env, "infra", "init", "--api-only")
        asyncio.run(plant(hive_dir(env) / "kubeconfig", 100))
        run(env, "daemon", "start")
        run(env, "status", "-A", "-o", "json", "--require-live")
        print("a live hive of 100 agents")
        ours = _sizes(TERRARIUM, env)
        bare = [sys.executable, "-c", "import textual.app"]
        imported = alone("  peer: python -c 'import textual.app'", bare, env, runs=RUNS)
        seen = _median([first_sight((KUBECTL, "get", "agents", "-w"), env, SIZES[0]) for _ in range(RUNS)])
        print(f"  {'peer: kubectl get agents -w':42} {_told(seen)}")
        ratios = f"{ours / imported:8.2f} of the import, {ours / seen.wall:.2f} of kubectl"
        print(f"  {'ratios, at the larger size':42} {ratios}")
        run(env, "daemon", "stop")


def first_sight(command: Sequence[str], env: Mapping[str, str], size: tuple[int, int]) -> Seen:
    """Runs it in a terminal until an agent's name is there; raises TimeoutError where none comes."""
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        os.execve(command[0], list(command), {**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"})
    try:
        told = b""
        while NAME not in told:
            if not select.select([terminal], [], [], PATIENCE)[0]:
                raise TimeoutError(f"{' '.join(command)} shows no agent within {PATIENCE:g} s: {told[-300:]!r}")
            try:
                told += os.read(terminal, 65536)
            except OSError as error:  # the other end is closed
                raise RuntimeError(f"{' '.join(command)} has ended: {told[-1000:].decode(errors='replace')}") from error
        spent = psutil.Process(pid).cpu_times()
        return Seen(time.perf_counter() - began, spent.user + spent.system)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.close(terminal)
        os.waitpid(pid, 0)


def _sizes(command: Sequence[str], env: Mapping[str, str]) -> float:
    """Prints each size's; returns the last one's, in seconds."""
    seen = Seen(0.0, 0.0)
    for size in SIZES:
        first_sight(command, env, size)
        seen = _median([first_sight(command, env, size) for _ in range(RUNS)])
        print(f"  {f'first paint at {size[0]}x{size[1]}':42} {_told(seen)}")
    return seen.wall


def _median(seen: Sequence[Seen]) -> Seen:
    return Seen(statistics.median(one.wall for one in seen), statistics.median(one.cpu for one in seen))


def _told(seen: Seen) -> str:
    return f"{seen.wall * 1000:8.0f} ms   (computing {seen.cpu * 1000:.0f} ms)"


def _remember(env: Mapping[str, str], count: int) -> None:
    """A ghost as Cortex leaves it, of a hive whose server is gone."""
    Path(env["KUBECONFIG"]).write_text(KUBECONFIG)
    ghost = Ghost(Path(env["KGENTS_HOME"]) / "ghost" / hive_name(context_key("nowhere", SERVER)))
    now = time.time()
    signals = min(count, SIGNALS)
    ghost.write(AGENTS, [agent_row(number, 0.5) for number in range(count)], now=now, writer="cortex")
    ghost.write(PHEROMONES, [signal_row(number, count, now) for number in range(signals)], now=now, writer="cortex")
    for entry in PROPOSALS.values():
        ghost.write(entry, [], now=now, writer="cortex")
