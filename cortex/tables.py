"""Rows kept serialised: only what time changes (age, activity, intensity) is written when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from cortex.ranking import Ranking
from cortex.scope import EVERYWHERE, Where
from kgents.api import pheromone, redact, rows, times

Object = Mapping[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Kept:
    body: bytes
    created: float | None
    tail: bytes = b""


@dataclass(slots=True)
class Table:
    """Rows of one kind in order of (namespace, name). `make(object, now)` gives a row with `ageSeconds`."""

    make: Callable[[Object, float], dict[str, Any]]
    _rows: dict[Key, _Kept] = field(default_factory=dict)
    _order: list[Key] | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, key: Key, obj: Object, tail: bytes = b"") -> bool:
        """Keep the row of `obj`. Whether anything that a row shows has changed."""
        row = redact.redact(self.make(obj, 0.0))
        row.pop("ageSeconds", None)
        if tail:
            row.pop("activity", None)
        kept = _Kept(orjson.dumps(row)[:-1] + tail, times.parse(obj["metadata"].get("creationTimestamp")))
        before = self._rows.get(key)
        if before is None:
            self._order = None
        self._rows[key] = kept
        return before != kept

    def remove(self, key: Key) -> None:
        if self._rows.pop(key, None) is not None:
            self._order = None

    def row(self, key: Key, now: float) -> bytes | None:
        kept = self._rows.get(key)
        return None if kept is None else _aged(kept, now)

    def rows(self, now: float, namespace: str = "", where: Where = EVERYWHERE) -> list[bytes]:
        if self._order is None:
            self._order = sorted(self._rows)
        kept = self._rows
        if namespace:
            where &= Where(frozenset({namespace}))
        return [_aged(kept[key], now) for key in self._order if key[0] in where]


def _aged(kept: _Kept, now: float) -> bytes:
    if kept.created is None:
        return kept.body + b',"ageSeconds":null}'
    return b'%b,"ageSeconds":%.3f}' % (kept.body, max(0.0, now - kept.created))


@dataclass(slots=True)
class Signals:
    """Pheromones, strongest first. Sensing writes nothing and sorts nothing."""

    ranking: Ranking = field(default_factory=Ranking)

    def put(self, key: Key, obj: Object) -> None:
        row = redact.redact(rows.pheromone_row(obj, 0.0))
        for changing in ("intensity", "ageSeconds"):
            row.pop(changing)
        self.ranking.put(key, row["type"], pheromone.decay_of(obj), orjson.dumps(row)[:-1])

    def remove(self, key: Key) -> None:
        self.ranking.remove(key)

    def row(self, key: Key, now: float) -> bytes | None:
        entry = self.ranking.entries.get(key)
        return None if entry is None else _faded(entry.body, entry.decay.at(now), entry.decay.emitted, now)

    def sense(
        self,
        now: float,
        *,
        namespace: str = "",
        types: frozenset[str] = frozenset(),
        least: float = 0.0,
        where: Where = EVERYWHERE,
    ) -> Iterator[bytes]:
        found = self.ranking.strongest(now, namespace=namespace, types=types, least=least, where=where)
        for intensity, entry in found:
            yield _faded(entry.body, intensity, entry.decay.emitted, now)


def _faded(body: bytes, intensity: float, emitted: float, now: float) -> bytes:
    return b'%b,"intensity":%.6f,"ageSeconds":%.3f}' % (body, intensity, max(0.0, now - emitted))
