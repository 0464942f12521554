"""How often an agent may write. Token buckets: a burst at once, then so many a minute; what is refused is counted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

SIGNALS_PER_MINUTE = 600
PROPOSALS_PER_MINUTE = 30
REMEMBERED = 20_000
"""Writers whose buckets are kept; the one that has been quiet longest is forgotten first, and his bucket is full."""


@dataclass(slots=True)
class Bucket:
    """`level` pieces at `time`."""

    level: float
    time: float
    refused: int = 0


@dataclass
class Limits:
    """One bucket for each key. `clock` in seconds, only ever going on."""

    clock: Callable[[], float]
    _buckets: OrderedDict[tuple[str, ...], Bucket] = field(default_factory=OrderedDict)

    def take(self, key: tuple[str, ...], per_minute: int) -> float:
        """Takes one piece: 0 if there was one, else the seconds until there will be. A sixth of a minute's at once."""
        now, size = self.clock(), max(1.0, per_minute / 6)
        bucket = self._buckets.get(key) or Bucket(size, now)
        self._buckets[key] = bucket
        self._buckets.move_to_end(key)
        while len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)
        bucket.level = min(size, bucket.level + max(0.0, now - bucket.time) * per_minute / 60)
        bucket.time = now
        if per_minute <= 0:
            bucket.refused += 1
            return 60.0
        if bucket.level < 1:
            bucket.refused += 1
            return (1 - bucket.level) * 60 / per_minute
        bucket.level -= 1
        return 0.0

    def refused(self, key: tuple[str, ...]) -> int:
        """How many were refused since this bucket is known."""
        bucket = self._buckets.get(key)
        return bucket.refused if bucket else 0
