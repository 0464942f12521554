"""Status: `kgents status` against `kubectl get agents`, at 100 and at 10 000 agents (budgets: 1.3x and 0.2x)."""

from __future__ import annotations

import asyncio

from benchmarks.agents import plant
from benchmarks.hives import KGENTS, KUBECTL, hive_dir, home, run
from benchmarks.timing import alone, compare


def main(_options: list[str]) -> None:
    with home() as env:
        run(env, "infra", "init", "--api-only")
        for count, runs in ((100, 15), (10_000, 5)):
            asyncio.run(plant(hive_dir(env) / "kubeconfig", count))
            run(env, "daemon", "start")
            run(env, "status", "-A", "-o", "json", "--require-live")
            print(f"{count} agents")
            for form in (["-o", "json"], []):
                ours = [KGENTS, "status", *form]
                compare(
                    "  " + " ".join(["kgents status", *form]), ours, [KUBECTL, "get", "agents", *form], env, runs=runs
                )
        alone("  kgents --help", [KGENTS, "--help"], env)
        run(env, "daemon", "stop")
