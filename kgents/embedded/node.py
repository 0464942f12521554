"""The controllers and the process runtime in one process: two loops of clients share one interpreter's memory.

    python -P -m kgents.embedded.node --kubeconfig F --root DIR --pki DIR/pki

Each also runs alone: `python -m kgents.embedded.controllers`, `python -m kgents.embedded.runtime`.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys

from kgents.api.errors import KgentsError
from kgents.embedded import controllers
from kgents.embedded.runtime import runtime
from kgents.kube.config import load


def main() -> int:
    """Runs until SIGTERM or SIGINT; returns the exit code."""
    parser = argparse.ArgumentParser(prog="kgents.embedded.node", description=__doc__)
    parser.add_argument("--kubeconfig", required=True)
    runtime.add_arguments(parser)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    try:
        asyncio.run(_serve(options))
    except KgentsError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


async def _serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    config = load(path=options.kubeconfig)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(controllers.run(config, stop))
        tasks.create_task(runtime.run(config, stop=stop, **runtime.arguments(options)))


if __name__ == "__main__":
    raise SystemExit(main())
