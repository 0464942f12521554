"""What every long-running process of the hive does alike: log to stderr, run until a signal, say errors in one line."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator

from kgents.api.errors import KgentsError


def run_until_stopped(serve: Callable[[asyncio.Event], Awaitable[None]], level: int = logging.INFO) -> int:
    """Runs `serve`, whose event is set by SIGTERM and SIGINT. Returns the exit code."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    code = 0
    try:
        asyncio.run(_serve(serve))
    except* KgentsError as group:  # one, or those of several loops that ran side by side
        for error in _flat(group):
            print(f"error: {error}", file=sys.stderr)
            code = error.exit_code
    return code


def _flat(group: BaseExceptionGroup[KgentsError]) -> Iterator[KgentsError]:
    for inner in group.exceptions:
        if isinstance(inner, BaseExceptionGroup):
            yield from _flat(inner)
        else:
            yield inner


async def _serve(serve: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(stop)
