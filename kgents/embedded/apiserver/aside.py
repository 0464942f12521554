"""Work on one large object, kept from holding up everybody else.

Pure Python over megabytes takes seconds. In a thread it shares the processor with the event loop, which gets its turn
every few milliseconds; for ordinary objects the way to a thread would only cost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

LIGHT = 64 * 1024
"""Bytes of JSON that are worked on at once: a few milliseconds."""

T = TypeVar("T")


async def aside(size: int, work: Callable[[], T]) -> T:
    """The result of `work`, done in a thread for more than LIGHT bytes; `work` must touch nothing that is shared."""
    return work() if size <= LIGHT else await asyncio.to_thread(work)
