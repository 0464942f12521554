"""Start: from nothing to the first answered status, and the hive's idle memory (budgets: 2.5 s, 250 MB RSS)."""

from __future__ import annotations

import json
import statistics
import time

import psutil

from benchmarks.hives import hive_dir, home, run


def main(_options: list[str]) -> None:
    took = []
    for _ in range(3):
        with home() as env:
            begun = time.perf_counter()
            run(env, "infra", "init")
            run(env, "status", "-o", "json", "--require-live")
            took.append(time.perf_counter() - begun)
    each = sorted(round(t, 2) for t in took)
    print(f"{'infra init to first answered status':44} {statistics.median(took):8.2f} s    (fresh homes: {each})")
    with home() as env:
        run(env, "infra", "init")
        time.sleep(20)  # idle: what is measured is the hive at rest
        memory(env)


def memory(env: dict[str, str]) -> None:
    state = json.loads((hive_dir(env) / "supervisor.json").read_text())
    pids = {"supervisor": state["pid"]} | {name: child["pid"] for name, child in state["processes"].items()}
    total = 0.0
    for name, pid in pids.items():
        process = psutil.Process(pid)
        size = process.memory_info().rss / 1e6
        total += size
        cpu = process.cpu_percent(interval=2.0)
        print(f"  {name:42} {size:8.1f} MB RSS   {cpu:4.1f} % CPU at rest")
    print(f"{'whole hive, idle':44} {total:8.1f} MB RSS")
