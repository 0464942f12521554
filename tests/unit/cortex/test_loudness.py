from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from cortex.loudness import PODS_A_ROUND, Loudness
from kgents.api.errors import Unreachable

NOW = 1_000_000.0


class Api:
    """Logs of five lines a container; `away` has the pods that nobody can read."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.away: set[str] = set()

    async def logs(self, pod: str, namespace: str, **_: Any) -> AsyncIterator[str]:
        self.asked.append(pod)
        if pod in self.away:
            raise Unreachable("no node")
        for number in range(5):
            yield str(number)


def pods(*names: str) -> dict[tuple[str, str], Any]:
    return {
        ("d", name): {"metadata": {"namespace": "d", "name": name}, "spec": {"containers": [{"name": "main"}]}}
        for name in names
    }


async def test_lines_are_counted_once_a_minute() -> None:
    api, now, two = Api(), [NOW], pods("a", "b")
    loudness = Loudness(api, lambda: now[0])  # type: ignore[arg-type]

    for _ in range(2):
        await loudness.count(two)

    assert (loudness.lines(list(two.values())), sorted(api.asked)) == (10, ["a", "b"])
    now[0] += 61
    await loudness.count(two)
    assert len(api.asked) == 4


async def test_a_large_hive_is_counted_in_turn() -> None:
    api, many = Api(), pods(*(f"p{number}" for number in range(PODS_A_ROUND + 3)))
    loudness = Loudness(api, lambda: NOW)  # type: ignore[arg-type]

    await loudness.count(many)
    await loudness.count(many)

    assert len(api.asked) == len(set(api.asked)) == PODS_A_ROUND + 3


async def test_an_old_count_counts_for_nothing() -> None:
    now, one = [NOW], pods("a")
    loudness = Loudness(Api(), lambda: now[0])  # type: ignore[arg-type]
    await loudness.count(one)

    now[0] += 121

    assert loudness.lines(list(one.values())) == 0


async def test_a_pod_that_cannot_be_read_keeps_nobody_else_from_it() -> None:
    api, two = Api(), pods("a", "b")
    api.away = {"a"}
    loudness = Loudness(api, lambda: NOW)  # type: ignore[arg-type]

    await loudness.count(two)

    assert loudness.lines(list(two.values())) == 5
