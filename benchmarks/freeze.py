"""Freeze: from its answer to the last write of an agent that is accepted (design: within a second)."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.accounts import Accounts, signal
from benchmarks.hives import hive_dir, home, run
from kgents.api.kinds import PHEROMONE
from kgents.api.operations.brakes import freeze, thaw
from kgents.api.operations.carrying import carry_out_async
from kgents.api.operations.requests import Call
from kgents.kube.client import KubeClient
from kgents.kube.config import load
from kgents.kube.errors import Forbidden
from kgents.kube.sending import sender

WRITERS, ACCOUNTS = 8, 40
ROUNDS = 10
BEFORE, AFTER = 0.4, 0.4
"""Seconds of writing before the freeze, and after it."""


@dataclass
class Seen:
    """When each write was sent and answered, by whether it was accepted."""

    accepted: list[tuple[float, float]] = field(default_factory=list)
    refused: int = 0


def main(_options: list[str]) -> None:
    with home() as env:
        run(env, "infra", "init")
        asyncio.run(_measure(hive_dir(env) / "kubeconfig"))


async def _measure(kubeconfig: Path) -> None:
    late, begun_after, written, refused = [], 0, 0, 0
    async with KubeClient(load(path=kubeconfig)) as admin, Accounts(admin, ACCOUNTS) as accounts:
        send = sender(admin, "benchmark")
        for _ in range(ROUNDS):
            seen = Seen()
            writers = [asyncio.create_task(_write(accounts.clients[n::WRITERS], n, seen)) for n in range(WRITERS)]
            await asyncio.sleep(BEFORE)
            await carry_out_async(freeze(_call()), send)
            frozen = time.perf_counter()
            await asyncio.sleep(AFTER)
            for writer in writers:
                writer.cancel()
            await asyncio.gather(*writers, return_exceptions=True)
            await carry_out_async(thaw(_call()), send)
            written, refused = written + len(seen.accepted), refused + seen.refused
            begun_after += sum(1 for sent, _ in seen.accepted if sent > frozen)
            late.append(max((answered - frozen for _, answered in seen.accepted), default=0.0))
    print(f"{'accepted / refused, 8 writers':44} {written:8} / {refused}")
    middle, worst = statistics.median(late) * 1000, max(late) * 1000
    print(f"{'last accepted answer after freeze, median':44} {middle:8.1f} ms   (worst of {ROUNDS}: {worst:.1f})")
    print(f"{'sent after freeze was answered, and accepted':44} {begun_after:8}")


def _call() -> Call:
    return Call({}, {"reason": "a benchmark"}, "default", time.time())


async def _write(clients: list[KubeClient], number: int, seen: Seen) -> None:
    """Writes without a pause, under one name after the other, so that the rate limit is not what stops it."""
    while True:
        for client in clients:
            sent = time.perf_counter()
            try:
                await client.create(PHEROMONE, signal(f"bot-{number}"))
            except Forbidden:
                seen.refused += 1
            else:
                seen.accepted.append((sent, time.perf_counter()))
