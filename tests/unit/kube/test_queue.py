from __future__ import annotations

import asyncio
import logging

import pytest

from kgents.api.errors import KgentsError
from kgents.kube.backoff import Backoff
from kgents.kube.errors import Conflict
from kgents.kube.queue import Controller, WorkQueue


async def test_a_key_is_in_the_queue_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for _ in range(3):
        queue.add("a")
    assert await queue.get() == "a"
    assert len(queue) == 0


async def test_a_key_that_is_worked_on_comes_round_again_and_never_twice_at_a_time() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    await queue.get()
    queue.add("a")
    queue.add("b")
    assert await queue.get() == "b"
    queue.done("a")
    assert await queue.get() == "a"


async def test_of_two_delays_the_earlier_holds() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a", after=3600)
    queue.add("a", after=0.001)
    queue.add("a", after=7200)
    assert await asyncio.wait_for(queue.get(), 30) == "a"


async def test_pauses_grow_until_it_goes_well() -> None:
    queue: WorkQueue[str] = WorkQueue()
    pauses = [queue.retry("a") for _ in range(8)]
    assert pauses[-1] > 10 * pauses[0]
    queue.forget("a")
    assert queue.retry("a") <= 0.005
    queue.close()


def test_backoff_has_a_ceiling() -> None:
    backoff = Backoff(0.1, 10.0, chance=lambda: 1.0)
    assert [backoff.next() for _ in range(9)][-2:] == [10.0, 10.0]


async def test_one_worker_at_a_time_has_a_key() -> None:
    working: set[str] = set()
    overlaps: list[str] = []
    rounds = asyncio.Semaphore(0)

    async def reconcile(key: str) -> None:
        if key in working:
            overlaps.append(key)
        working.add(key)
        await asyncio.sleep(0)
        working.discard(key)
        rounds.release()

    async with Controller("test", reconcile, workers=4) as controller:
        for _ in range(5):
            controller.enqueue("a")
            await rounds.acquire()
    assert overlaps == []


@pytest.mark.parametrize("error", [KgentsError("no"), Conflict(409), ValueError("bug"), asyncio.CancelledError()])
async def test_whatever_fails_is_tried_again(error: BaseException) -> None:
    tries: list[str] = []
    done = asyncio.Event()

    async def reconcile(key: str) -> None:
        tries.append(key)
        if len(tries) < 3:
            raise error
        done.set()

    async with Controller("test", reconcile) as controller:
        controller.enqueue("a")
        await asyncio.wait_for(done.wait(), 30)
    assert tries == ["a"] * 3


async def test_the_same_failure_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    tries = asyncio.Semaphore(0)

    async def reconcile(key: str) -> None:
        tries.release()
        raise KgentsError("no luck")

    with caplog.at_level(logging.ERROR):
        async with Controller("test", reconcile) as controller:
            controller.enqueue("a")
            for _ in range(4):
                await asyncio.wait_for(tries.acquire(), 30)
    assert len([record for record in caplog.records if "no luck" in record.getMessage()]) == 1


async def test_a_number_asks_for_another_look() -> None:
    rounds = asyncio.Semaphore(0)

    async def reconcile(key: str) -> float | None:
        rounds.release()
        return 0.001

    async with Controller("test", reconcile) as controller:
        controller.enqueue("a")
        for _ in range(3):
            await asyncio.wait_for(rounds.acquire(), 30)


async def test_the_end_cancels_what_is_going_on() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def reconcile(key: str) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with Controller("test", reconcile) as controller:
        controller.enqueue("a")
        await began.wait()
    assert ended.is_set()
