"""Ending tasks, without taking who waits for them along or holding him back."""

from __future__ import annotations

import asyncio
from typing import Any


async def ended(task: asyncio.Task[Any]) -> None:
    """Cancel `task` and wait until it has ended. Raises what it broke on.

    Where the one who waits is cancelled himself, that is raised: `suppress(CancelledError)` around the task would
    take it for the task's own, and he would go on for ever.
    """
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
