"""`python -P -m kgents.embedded.runtime --kubeconfig F --root DIR`: the process runtime as a process of its own."""

from __future__ import annotations

import argparse
import asyncio

from kgents.embedded.process import run_until_stopped
from kgents.embedded.runtime import runtime
from kgents.kube.config import load


def main() -> int:
    """Runs until SIGTERM or SIGINT; the pods live on. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="kgents.embedded.runtime", description="Runs the pods of an embedded hive.")
    parser.add_argument("--kubeconfig", required=True)
    runtime.add_arguments(parser)
    options = parser.parse_args()

    async def serve(stop: asyncio.Event) -> None:
        await runtime.run(load(path=options.kubeconfig), stop=stop, **runtime.arguments(options))

    return run_until_stopped(serve)


if __name__ == "__main__":
    raise SystemExit(main())
