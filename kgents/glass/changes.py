"""What somebody who watches knows already, so that each change is told once, whichever layer tells of it.

A layer that begins, or begins again, tells all that is there. Of that only the difference is news: rows that are new,
gone, or other than before. Ages and strengths that move by themselves with time are no difference.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from kgents.glass.answer import dump

Event = tuple[str, bytes]
_MOVING = frozenset({"ageSeconds", "intensity", "activity"})


class Known:
    """The rows that were told, by namespace and name."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[bytes, dict[str, Any]]] = {}
        self._brakes = b"null"

    def braked(self, frozen: bytes) -> Iterator[Event]:
        """Whether the hive is frozen, as a layer says it, where that is news: {"by", "reason", "since"}, or null."""
        if frozen != self._brakes:
            self._brakes = frozen
            yield "BRAKES", frozen

    def listed(self, items: Iterable[bytes]) -> Iterator[Event]:
        """The changes that a whole list brings, then SYNCED."""
        before, now = self._rows, {key: (item, row) for key, item, row in map(_parsed, items)}
        self._rows = now
        for key, (item, row) in now.items():
            if key not in before:
                yield "ADDED", item
            elif _still(before[key][1]) != _still(row):
                yield "MODIFIED", item
        for key in before.keys() - now.keys():
            yield "DELETED", before[key][0]
        yield "SYNCED", b""

    def streamed(self, events: Iterable[tuple[str, bytes, str]]) -> Iterator[Event]:
        """The changes in a stream that begins with all there is; ends with it, or where it lost some."""
        anew: list[bytes] | None = [] if self._rows else None
        for type, item, _ in events:
            if type == "RESYNC":
                return
            if type == "ERROR":
                continue
            if type == "BRAKES":
                yield from self.braked(_notice(item))
                continue
            if anew is None:
                if self._note(type, item):
                    yield type, item
            elif type == "SYNCED":
                yield from self.listed(anew)
                anew = None
            else:
                anew.append(item)

    def _note(self, type: str, item: bytes) -> bool:
        """Whether it is news: the end of what was never told is none."""
        if type not in ("ADDED", "MODIFIED", "DELETED"):
            return True
        key, _, row = _parsed(item)
        if type == "DELETED":
            return self._rows.pop(key, None) is not None
        self._rows[key] = (item, row)
        return True


def _parsed(item: bytes) -> tuple[str, bytes, dict[str, Any]]:
    row = json.loads(item)
    return f"{row.get('namespace')}/{row.get('name')}", item, row


def _notice(item: bytes) -> bytes:
    row = json.loads(item)
    told = {key: row.get(key) for key in ("by", "reason", "since")} if row.get("frozen") else None
    return dump(told)


def _still(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _MOVING}
