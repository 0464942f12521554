"""`python -P -m kgents.embedded.runtime --kubeconfig F --root DIR`: the process runtime as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys

from kgents.api.errors import KgentsError
from kgents.embedded.runtime import runtime
from kgents.kube.config import load


def main() -> int:
    """Runs until SIGTERM or SIGINT; the pods live on. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="kgents.embedded.runtime", description="Runs the pods of an embedded hive.")
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
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await runtime.run(load(path=options.kubeconfig), stop=stop, **runtime.arguments(options))


if __name__ == "__main__":
    raise SystemExit(main())
