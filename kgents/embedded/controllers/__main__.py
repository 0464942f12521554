"""`python -P -m kgents.embedded.controllers --kubeconfig F`: the control loops as a process of their own."""

from __future__ import annotations

import argparse
import asyncio
import logging

from kgents.embedded.controllers.manager import run
from kgents.embedded.process import run_until_stopped
from kgents.kube.config import load


def main() -> int:
    """Runs until SIGTERM or SIGINT. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="kgents.embedded.controllers", description="The control loops of a hive.")
    parser.add_argument("--kubeconfig", help="the API server and the credentials (default: as kubectl)")
    parser.add_argument("--verbose", action="store_true", help="log every decision")
    options = parser.parse_args()

    async def serve(stop: asyncio.Event) -> None:
        await run(load(path=options.kubeconfig), stop)

    return run_until_stopped(serve, logging.DEBUG if options.verbose else logging.INFO)


if __name__ == "__main__":
    raise SystemExit(main())
