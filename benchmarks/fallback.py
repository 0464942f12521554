"""Fallback: a hung Cortex, and nothing running at all.

Budgets: 750 ms by the ghost, 1 s by kubectl; the ghost alone 0.8x kubectl with a live server.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from pathlib import Path

from benchmarks.agents import plant
from benchmarks.hives import KGENTS, KUBECTL, hive_dir, home, run
from benchmarks.timing import alone, compare


def main(_options: list[str]) -> None:
    with home() as env:
        run(env, "infra", "init", "--api-only")
        asyncio.run(plant(hive_dir(env) / "kubeconfig", 100))
        run(env, "daemon", "start")
        run(env, "status", "-o", "json", "--require-live")
        pid = next(Path(env["KGENTS_HOME"], "run").glob("*.pid"))
        cortex = int(pid.read_text().split()[0])
        ghost = Path(env["KGENTS_HOME"]) / "ghost"
        status = [KGENTS, "status", "-o", "json"]
        os.kill(cortex, signal.SIGSTOP)
        try:
            alone("Cortex hung, answered by the ghost", status, env)
            gone = {**env, "KGENTS_HOME": env["KGENTS_HOME"]}
            for _ in range(1):
                shutil.rmtree(ghost, ignore_errors=True)
                alone("Cortex hung, no ghost, answered by kubectl", status, gone, runs=1)
        finally:
            os.kill(cortex, signal.SIGCONT)
        run(env, "daemon", "stop")
        run(env, "status", "-o", "json")
        quiet = {**env, "KGENTS_NO_DAEMON": "1"}
        compare("ghost alone (peer: kubectl, live server)", [*status, "--ghost"], [KUBECTL, "get", "agents"], quiet)
