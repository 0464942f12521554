"""Whoever ends a task hears what it broke on, and stays cancelled himself."""

from __future__ import annotations

import asyncio

import pytest

from kgents.kube.tasks import ended


async def test_a_task_is_over_when_it_has_ended() -> None:
    task = asyncio.create_task(asyncio.Event().wait())
    await ended(task)
    assert task.cancelled()


async def test_what_it_broke_on_is_raised() -> None:
    async def broken() -> None:
        raise LookupError("lost")

    task = asyncio.create_task(broken())
    await asyncio.wait({task})
    with pytest.raises(LookupError, match="lost"):
        await ended(task)


async def test_who_is_cancelled_while_he_waits_is_cancelled() -> None:
    leave = asyncio.Event()

    async def slow_to_go() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await leave.wait()

    task = asyncio.create_task(slow_to_go())
    await asyncio.sleep(0)
    ending = asyncio.create_task(ended(task))
    await asyncio.sleep(0)
    ending.cancel()
    await asyncio.wait({ending}, timeout=10)
    assert ending.cancelled()
    leave.set()
    await asyncio.wait({task})
