"""What every layer returns: rows, and where they came from."""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

from kgents.glass.staleness import Staleness

Layer = Literal["cortex", "ghost", "kubectl"]
Row = dict[str, Any]


class Source(NamedTuple):
    """Which layer answered, how many seconds old that is, and how far it may be trusted."""

    layer: Layer
    age: float = 0.0
    staleness: Staleness = "live"

    def to_dict(self) -> dict[str, Any]:
        return {"layer": self.layer, "ageSeconds": round(self.age, 3), "staleness": self.staleness}


class Answer(NamedTuple):
    """`items` are JSON objects, serialised: a list is printed as JSON without ever being parsed.

    `total` exceeds len(items) when only the first ones are here. `notes` are for stderr. `frozen` says by whom, why and
    since when ({"by", "reason", "since"}) while the hive is.
    """

    path: str
    source: Source
    items: list[bytes]
    many: bool = True
    total: int = 0
    notes: tuple[str, ...] = ()
    frozen: dict[str, str] | None = None

    def rows(self) -> list[Row]:
        return [json.loads(item) for item in self.items]


class NextLayer(Exception):
    """This layer cannot answer, and the next should. Its text says why, for the message when none can."""


def dump(value: object) -> bytes:
    """A row as it is kept, sent and printed: compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
