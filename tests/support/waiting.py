"""Waiting for what happens soon, by looking again: no test says how long a thing may take, only that it must happen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
DEADLINE = 60.0
PAUSE = 0.05


def eventually(look: Callable[[], T], timeout: float = DEADLINE) -> T:
    """The first truthy answer of `look`; AssertionErrors it raises are retried until the deadline."""
    end = time.monotonic() + timeout
    while True:
        try:
            answer = look()
            if answer:
                return answer
            failure: AssertionError | None = None
        except AssertionError as error:
            failure = error
        if time.monotonic() > end:
            raise failure or AssertionError(f"still not true after {timeout:.0f} s: last answer {answer!r}")
        time.sleep(PAUSE)


async def eventually_async(look: Callable[[], Awaitable[T]], timeout: float = DEADLINE) -> T:
    """As `eventually`, for coroutines."""
    end = time.monotonic() + timeout
    while True:
        try:
            answer = await look()
            if answer:
                return answer
            failure: AssertionError | None = None
        except AssertionError as error:
            failure = error
        if time.monotonic() > end:
            raise failure or AssertionError(f"still not true after {timeout:.0f} s: last answer {answer!r}")
        await asyncio.sleep(PAUSE)
