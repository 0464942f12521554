"""What the participants of a round note down."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

import orjson

State = dict[str, "Seen"]


@dataclass(frozen=True, slots=True)
class Seen:
    """One event, or one object of a list: which version of which object, with a checksum of all its content."""

    rv: int
    type: str
    name: str
    uid: str
    red: bool
    content: int

    @classmethod
    def of(cls, kind: str, obj: dict[str, Any]) -> Seen:
        """From an event's type and its object."""
        meta = obj["metadata"]
        content = {**obj, "metadata": {**meta, "resourceVersion": ""}}
        checksum = zlib.crc32(orjson.dumps(content, option=orjson.OPT_SORT_KEYS))
        red = (meta.get("labels") or {}).get("colour") == "red"
        return cls(int(meta["resourceVersion"]), kind, meta["name"], meta["uid"], red, checksum)


@dataclass(slots=True)
class Segment:
    """What one watcher saw without interruption of its knowledge: from a list's version on, event by event."""

    since: int
    state: State
    events: list[Seen] = field(default_factory=list)


@dataclass(slots=True)
class Diary:
    """One watcher's notes of a round. A 410 closes a segment: the watcher lists anew and begins the next."""

    name: str
    red_only: bool
    segments: list[Segment]

    @property
    def last(self) -> int:
        """The last version it knows of."""
        segment = self.segments[-1]
        return segment.events[-1].rv if segment.events else segment.since


@dataclass(slots=True)
class Round:
    """All notes of a round."""

    acknowledged: list[Seen] = field(default_factory=list)
    """Answers to writes, as the events that they must have caused; content 0 where the answer has none."""
    deleted: set[str] = field(default_factory=set)
    """The uids that the server said it deleted."""
    lists: list[tuple[int, dict[str, int]]] = field(default_factory=list)
    """For each list read in pages: its version, and the versions of the objects in it."""
