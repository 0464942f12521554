"""The controllers and the process runtime in one process: two loops of clients share one interpreter's memory.

    python -P -m kgents.embedded.node --kubeconfig F --root DIR --pki DIR/pki

Each also runs alone: `python -m kgents.embedded.controllers`, `python -m kgents.embedded.runtime`.
"""

from __future__ import annotations

import argparse
import asyncio

from kgents.embedded import controllers
from kgents.embedded.process import run_until_stopped
from kgents.embedded.runtime import runtime
from kgents.kube.config import load


def main() -> int:
    """Runs until SIGTERM or SIGINT; returns the exit code."""
    parser = argparse.ArgumentParser(prog="kgents.embedded.node", description=__doc__)
    parser.add_argument("--kubeconfig", required=True)
    runtime.add_arguments(parser)
    options = parser.parse_args()

    async def serve(stop: asyncio.Event) -> None:
        config = load(path=options.kubeconfig)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(controllers.run(config, stop))
            tasks.create_task(runtime.run(config, stop=stop, **runtime.arguments(options)))

    return run_until_stopped(serve)


if __name__ == "__main__":
    raise SystemExit(main())
