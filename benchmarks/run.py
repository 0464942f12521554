"""Run: from `kgents run NAME -- python my.py` to Running, beside the same program started by hand."""

from __future__ import annotations

import statistics
import sys
import time

from benchmarks.hives import home, run


def main(_options: list[str]) -> None:
    with home() as env:
        run(env, "infra", "init")
        took = []
        for number in range(5):
            begun = time.perf_counter()
            run(env, "run", f"timed-{number}", "--", sys.executable, "-c", "import time; time.sleep(3600)")
            took.append(time.perf_counter() - begun)
        each = [round(t, 2) for t in took]
        print(f"{'kgents run … to Running':44} {statistics.median(took):8.2f} s    (5 agents: {each})")
