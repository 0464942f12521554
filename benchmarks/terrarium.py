"""Terrarium: 10 000 agents and 500 changes a second (input to paint p95 50 ms, < 1 core), first paint (500 ms).

python -m benchmarks terrarium [--seconds 30] [--profile] [--only busy|first|imports]
"""

from __future__ import annotations

import argparse
import json
import pstats
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks import first_paint
from benchmarks.hives import home

AGENTS, SIGNALS, EVENTS = 10_000, 10_000, 500
PARTS = ("busy", "first", "imports")


def main(options: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks terrarium")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--profile", action="store_true", help="the screen's thread, top 20")
    parser.add_argument("--only", choices=PARTS)
    chosen = parser.parse_args(options)
    parts = (chosen.only,) if chosen.only else PARTS
    if "busy" in parts:
        busy(chosen.seconds, profile=chosen.profile)
    if "first" in parts:
        first_paint.main()
    if "imports" in parts:
        imports()


def busy(seconds: float, *, profile: bool) -> None:
    """A whole hive arrives over the socket and keeps changing, while somebody uses the keys."""
    with home() as env, tempfile.TemporaryDirectory() as folder:
        env |= {"TEXTUAL_COLOR_SYSTEM": "truecolor", "KGENTS_NO_DAEMON": "1"}
        stats = Path(folder) / "profile"
        watching = [sys.executable, "-m", "benchmarks.watching", str(seconds)]
        with crowd(env) as others:
            command = [*watching, "--profile", str(stats)] if profile else watching
            done = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, timeout=seconds * 3 + 120)
            spent = others.cpu_times()
        found = json.loads(done.stdout)
        tell(found)
        print(f"  {'the crowd itself (another process)':42} {spent.user + spent.system:8.1f} s of CPU in all")
        if profile:
            pstats.Stats(str(stats)).sort_stats("tottime").print_stats(20)


@contextmanager
def crowd(env: Mapping[str, str]) -> Iterator[psutil.Process]:
    """The other side of the socket, in a process of its own: what it costs is not Terrarium's."""
    command = [sys.executable, "-m", "benchmarks.crowd", *(str(count) for count in (AGENTS, SIGNALS, EVENTS))]
    with subprocess.Popen(command, env=dict(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        process.stdout.readline()
        yield psutil.Process(process.pid)
        process.stdin.close()


def tell(found: dict[str, Any]) -> None:
    """The figures of one sitting."""
    print(f"{found['agents']} agents, {found['signals']} signals, {EVENTS} changes a second, 160x50, truecolor")
    took: dict[str, list[list[float]]] = found["took"]
    everything = [one for each in took.values() for one in each]
    for name, each in {
        "input to paint, every key": everything,
        **{f"  {key}": one for key, one in took.items()},
    }.items():
        walls, works = ([one[nth] for one in each] for nth in (0, 1))
        print(f"  {name:28} {_spread(walls)}   of that computing {_spread(works)}   {len(each)} times")
    print(f"  {'keys not seen within 5 s':42} {len(found['missed']):8}")
    print(f"  {'CPU, keys pressed all the time':42} {found['cpu'] * 100:8.0f} % of a core")
    print(f"  {'CPU, nobody at the keys':42} {found['cpu_quiet'] * 100:8.0f} % of a core")
    print(f"  {'memory':42} {found['rss']:8.0f} MB RSS")
    print(f"  {'frames':42} {found['frames']:8.1f} a second, {found['bytes'] / 1000:.0f} kB a second to the terminal")


def imports() -> None:
    """What is imported before the first frame, the most expensive first."""
    command = [sys.executable, "-X", "importtime", "-c", "import kgents.terrarium.app"]
    told = subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True).stderr
    rows = re.findall(r"import time: +(\d+) \| +(\d+) \| ( *)(\S+)", told)
    print("imports: ms in all, ms by itself")
    for own, whole, _, name in sorted(rows, key=lambda row: -int(row[0]))[:15]:
        print(f"  {name:42} {int(whole) / 1000:8.1f} {int(own) / 1000:8.1f}")


def _spread(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p50, p95 = ordered[len(ordered) // 2], ordered[min(int(len(ordered) * 0.95), len(ordered) - 1)]
    return f"p50 {p50 * 1000:4.0f} p95 {p95 * 1000:4.0f} max {ordered[-1] * 1000:4.0f} ms"
