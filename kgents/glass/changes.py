"""What somebody who watches knows already, so that each change is told once, whichever layer tells of it.

A layer that begins, or begins again, tells all that is there. Of that only the difference is news: rows that are new,
gone, or other than before. Ages and strengths that move by themselves with time are no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kgents.glass.answer import dump

Event = tuple[str, bytes]
MOVING = frozenset({"ageSeconds", "intensity", "activity"})


class Known:
    """The rows that were told, by namespace and name. `moving`: what may differ without being news."""

    def __init__(self, moving: frozenset[str] = MOVING) -> None:
        self._moving = moving
        self._rows: dict[str, bytes] = {}
        self._brakes = b"null"

    def braked(self, frozen: bytes) -> Iterator[Event]:
        """Whether the hive is frozen, as a layer says it, where that is news: {"by", "reason", "since"}, or null."""
        if frozen != self._brakes:
            self._brakes = frozen
            yield "BRAKES", frozen

    def listed(self, items: Iterable[bytes]) -> Iterator[Event]:
        """The changes that a whole list brings, then SYNCED."""
        yield from self.differences(items)
        yield "SYNCED", b""

    def differences(self, items: Iterable[bytes], *, whole: bool = True) -> Iterator[Event]:
        """The changes that a list brings. Where it is not `whole`, what is not in it may still be there."""
        before, now = self._rows, {_key(item): item for item in items}
        self._rows = now if whole else before | now
        for key, item in now.items():
            if key not in before:
                yield "ADDED", item
            elif self._differ(before[key], item):
                yield "MODIFIED", item
        if whole:
            for key in before.keys() - now.keys():
                yield "DELETED", before[key]

    def heard(self, type: str, item: bytes) -> Iterator[Event]:
        """One change that a layer tells, as what it is to who knows these rows: the end of what was not is no news."""
        key = _key(item)
        before = self._rows.pop(key, None)
        if type == "DELETED":
            if before is not None:
                yield type, item
            return
        self._rows[key] = item
        yield "ADDED" if before is None else "MODIFIED", item

    def streamed(self, events: Iterable[tuple[str, bytes, str]]) -> Iterator[Event]:
        """The changes in a stream that begins with all there is; ends with it, or where it lost some."""
        anew: list[bytes] | None = [] if self._rows else None
        for type, item, _ in events:
            if type == "RESYNC":
                return
            if type == "ERROR":
                continue
            if type == "BRAKES":
                yield from self.braked(notice(item))
            elif type == "SYNCED":
                if anew is not None:
                    yield from self.differences(anew)
                    anew = None
                yield type, item
            elif anew is not None:
                anew.append(item)
            else:
                yield from self.heard(type, item)

    def _differ(self, before: bytes, now: bytes) -> bool:
        return before != now and self._still(before) != self._still(now)

    def _still(self, item: bytes) -> dict[str, Any]:
        return {name: value for name, value in _parsed(item).items() if name not in self._moving}


def notice(item: bytes) -> bytes:
    """The brakes' row as who watches is told of it: {"by", "reason", "since"}, or null."""
    row = _parsed(item)
    told = {key: row.get(key) for key in ("by", "reason", "since")} if row.get("frozen") else None
    return dump(told)


def _key(item: bytes) -> str:
    row = _parsed(item)
    return f"{row.get('namespace')}/{row.get('name')}"


def _parsed(item: bytes) -> dict[str, Any]:
    import orjson  # 12 ms, for who watches alone; ten thousand rows are read in a fifth of json's time

    row: dict[str, Any] = orjson.loads(item)
    return row
