"""`python -m operators`: run the operators in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

from kgents.api.errors import KgentsError
from kgents.kube import config
from kgents.kube.client import KubeClient
from kgents.kube.election import lead


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m operators", description="The operators of a hive.")
    parser.add_argument("--kubeconfig", help="the kubeconfig file (default: as kubectl finds it)")
    parser.add_argument("--context", help="the context in it (default: the current one)")
    parser.add_argument(
        "--token-file", help="act as the operators' own ServiceAccount, with a token that is kept fresh in this file"
    )
    parser.add_argument("--images-needed", action="store_true", help="refuse agents without an image")
    parser.add_argument(
        "--memory-image",
        default=os.environ.get("KGENTS_MEMORY_IMAGE") or None,
        help="an image that has kgents, for memory sidecars (default: $KGENTS_MEMORY_IMAGE, or this very program)",
    )
    parser.add_argument(
        "--webhook", metavar="HOST:PORT", type=_address, help="serve T-gent there, where the API server reaches it"
    )
    parser.add_argument("--verbose", action="store_true", help="log more")
    options = parser.parse_args(arguments)
    level = logging.DEBUG if options.verbose else logging.INFO
    logging.basicConfig(level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(_worth_saying)
    try:
        asyncio.run(_run(options))
    except KgentsError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host, int(port)


def _worth_saying(record: logging.LogRecord) -> bool:
    # While the API server is away kopf says so for each of its tries; the informers say it once.
    return record.levelno < logging.WARNING or not str(record.msg).startswith("Request attempt")


async def _run(options: argparse.Namespace) -> None:
    from operators import app
    from operators.agent.sidecar import HERE, Program
    from operators.identity import LEASE, acting_as_operators

    memory = Program(options.memory_image) if options.memory_image else None if options.images_needed else HERE
    chosen: dict[str, Any] = {"images_needed": options.images_needed, "webhook": options.webhook, "memory": memory}
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    cluster = config.load(options.context, path=options.kubeconfig)
    if not options.token_file:
        await app.run(cluster, stop, **chosen)
        return
    async with acting_as_operators(cluster, Path(options.token_file)) as own, KubeClient(own) as api:

        async def work(ended: asyncio.Event) -> None:
            await app.run(own, ended, **chosen)
            stop.set()  # if another machine leads by now, a new process waits for its turn

        await lead(api, LEASE, work, stop)


if __name__ == "__main__":
    sys.exit(main())
