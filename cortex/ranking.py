"""The strongest signals first, without sorting them for every question.

Signals of one half-life never overtake each other: log2(initial) + emitted / half_life is a constant of each, and its
order is the order of intensity at any time. So signals are kept sorted in classes of (namespace, type, half-life);
a question merges the heads of the classes and stops when it has enough.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field

from cortex.scope import EVERYWHERE, Where
from kgents.api.pheromone import EVAPORATED, Decay

Key = tuple[str, str]
Class = tuple[str, str, float]


@dataclass(frozen=True, slots=True)
class Ranked:
    """One signal. `body` is its row, serialised, whatever else the caller keeps."""

    key: Key
    decay: Decay
    class_key: Class
    rank: float
    body: bytes


@dataclass(slots=True)
class Ranking:
    """All signals, by strength."""

    entries: dict[Key, Ranked] = field(default_factory=dict)
    _classes: dict[Class, list[tuple[float, Key]]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.entries)

    def put(self, key: Key, type: str, decay: Decay, body: bytes) -> None:
        """Add a signal, or replace the one of that key."""
        self.remove(key)
        rank = -(math.log2(max(decay.initial, 1e-300)) + decay.emitted / decay.half_life)
        class_key = (key[0], type, decay.half_life)
        self.entries[key] = Ranked(key, decay, class_key, rank, body)
        insort(self._classes.setdefault(class_key, []), (rank, key))

    def remove(self, key: Key) -> None:
        entry = self.entries.pop(key, None)
        if entry is None:
            return
        members = self._classes[entry.class_key]
        del members[bisect_left(members, (entry.rank, key))]
        if not members:
            del self._classes[entry.class_key]

    def strongest(
        self,
        now: float,
        *,
        namespace: str = "",
        types: frozenset[str] = frozenset(),
        least: float = 0.0,
        where: Where = EVERYWHERE,
    ) -> Iterator[tuple[float, Ranked]]:
        """(intensity now, signal), strongest first, of those that have not evaporated and are at least `least`."""
        floor = max(least, EVAPORATED)
        streams = [self._stream(members, now, floor) for members in self._chosen(namespace, types, where)]
        yield from heapq.merge(*streams, key=lambda found: -found[0])

    def count(
        self,
        now: float,
        *,
        namespace: str = "",
        types: frozenset[str] = frozenset(),
        least: float = 0.0,
        where: Where = EVERYWHERE,
    ) -> int:
        """How many `strongest` would yield, but for those that a ttl ended and nobody has deleted yet."""
        floor = math.log2(max(least, EVAPORATED))
        total = 0
        for class_key, members in self._classes.items():
            if _wanted(class_key, namespace, types, where):
                total += bisect_right(members, (-(floor + now / class_key[2]), ("\U0010ffff", "")))
        return total

    def _chosen(self, namespace: str, types: frozenset[str], where: Where) -> list[list[tuple[float, Key]]]:
        return [members for key, members in self._classes.items() if _wanted(key, namespace, types, where)]

    def _stream(self, members: list[tuple[float, Key]], now: float, floor: float) -> Iterator[tuple[float, Ranked]]:
        for _, key in members:
            entry = self.entries[key]
            intensity = entry.decay.at(now)
            if intensity >= floor:
                yield intensity, entry
            elif now < entry.decay.evaporates:
                return  # the rest of this class is weaker still


def _wanted(key: Class, namespace: str, types: frozenset[str], where: Where) -> bool:
    return (not namespace or key[0] == namespace) and (not types or key[1] in types) and key[0] in where
