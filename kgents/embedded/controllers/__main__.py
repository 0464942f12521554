"""`python -P -m kgents.embedded.controllers --kubeconfig F`: the control loops as a process of their own."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys

from kgents.api.errors import KgentsError
from kgents.embedded.controllers.manager import run
from kgents.kube.config import ClusterConfig, load


def main() -> int:
    """Run until SIGTERM or SIGINT. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="kgents.embedded.controllers", description="The control loops of a hive.")
    parser.add_argument("--kubeconfig", help="the API server and the credentials (default: as kubectl)")
    parser.add_argument("--verbose", action="store_true", help="log every decision")
    options = parser.parse_args()
    level = logging.DEBUG if options.verbose else logging.INFO
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    try:
        asyncio.run(_serve(load(path=options.kubeconfig)))
    except KgentsError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


async def _serve(config: ClusterConfig) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run(config, stop)


if __name__ == "__main__":
    raise SystemExit(main())
