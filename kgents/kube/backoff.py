"""How long to wait before the next attempt: exponential, with jitter so that many do not come back at once."""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """`next()` doubles from `first` to `most` seconds; the answer lies between half of that and all of it."""

    def __init__(self, first: float, most: float, chance: Callable[[], float] = random.random) -> None:
        self._first = first
        self._most = most
        self._chance = chance
        self._attempts = 0

    def next(self) -> float:
        # 2.0 ** 1024 overflows; no back-off needs more than 2 ** 40.
        ceiling = min(self._first * 2.0 ** min(self._attempts, 40), self._most)
        self._attempts += 1
        return ceiling * (0.5 + 0.5 * self._chance())

    def reset(self) -> None:
        self._attempts = 0
