"""`python -m operators`: run the operators in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kgents.api.errors import KgentsError
from kgents.kube import config
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig
from kgents.kube.election import Term, lead
from kgents.vitals import serving

if TYPE_CHECKING:
    from operators.station import Station


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m operators", description="The operators of a hive.")
    parser.add_argument("--kubeconfig", help="the kubeconfig file (default: as kubectl finds it)")
    parser.add_argument("--context", help="the context in it (default: the current one)")
    parser.add_argument(
        "--token-file", help="act as the operators' own ServiceAccount, with a token that is kept fresh in this file"
    )
    parser.add_argument(
        "--lead", action="store_true", help="several of these may run: one works at a time, elected by a Lease"
    )
    parser.add_argument("--images-needed", action="store_true", help="refuse agents without an image")
    parser.add_argument(
        "--memory-image",
        default=os.environ.get("KGENTS_MEMORY_IMAGE") or None,
        help="an image that has kgents, for memory sidecars (default: $KGENTS_MEMORY_IMAGE, or this very program)",
    )
    parser.add_argument(
        "--webhook",
        metavar="HOST:PORT",
        type=serving.address,
        help="serve T-gent there, where the API server reaches it",
    )
    serving.add_arguments(parser)
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


def _worth_saying(record: logging.LogRecord) -> bool:
    # While the API server is away kopf says so for each of its tries; the informers say it once.
    return record.levelno < logging.WARNING or not str(record.msg).startswith("Request attempt")


async def _run(options: argparse.Namespace) -> None:
    from operators.station import Station

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    cluster = config.load(options.context, path=options.kubeconfig)
    station = Station()
    told = serving.Options(options.health, options.metrics)
    async with serving.serving("kgents-operators", told, station.why_not_ready):
        if options.token_file:
            from operators.identity import acting_as_operators

            async with acting_as_operators(cluster, Path(options.token_file)) as own:
                await _take_turns(own, options, station, stop)
        elif options.lead:
            await _take_turns(cluster, options, station, stop)
        else:
            await _work(cluster, options, station, stop)


async def _take_turns(own: ClusterConfig, options: argparse.Namespace, station: Station, stop: asyncio.Event) -> None:
    from operators.identity import LEASE

    async def work(ended: Term) -> None:
        await _work(own, options, station, ended, ended.holds)
        stop.set()  # if another machine leads by now, a new process waits for its turn

    async with KubeClient(own, user_agent="kgents-operators") as api:
        await lead(api, LEASE, work, stop, on_wait=station.wait)


async def _work(
    own: ClusterConfig,
    options: argparse.Namespace,
    station: Station,
    stop: asyncio.Event,
    may_act: Callable[[], bool] = lambda: True,
) -> None:
    from operators import app
    from operators.agent.sidecar import HERE, Program

    station.lead()
    memory = Program(options.memory_image) if options.memory_image else None if options.images_needed else HERE
    needed, webhook = options.images_needed, options.webhook
    await app.run(
        own, stop, images_needed=needed, webhook=webhook, memory=memory, at_work=station.work, may_act=may_act
    )


if __name__ == "__main__":
    sys.exit(main())
