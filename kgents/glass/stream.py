"""A whole hive as one stream, over the layers: what is remembered at once, then what is, and what happens.

    the ghost at once → Cortex's watch → when that is lost: the ghost, its age counting up, and kubectl by asking again

Each change is told once, whichever layer tells of it, and SYNCED says which layer that was and how old it is. It never
ends by itself: whatever breaks is tried again until somebody answers.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import NamedTuple

from kgents.api import paths, times
from kgents.api.errors import KgentsError, Unreachable
from kgents.glass import staleness
from kgents.glass.answer import Answer, NextLayer, Source, dump
from kgents.glass.changes import Known, notice
from kgents.glass.look import POLL_SECONDS, Freshness, Glass

LISTS = {"agents": "agents.list", "pheromones": "pheromones.sense", "proposals": "proposals.list"}
SILENCE = 10.0
"""Seconds without a word after which Cortex is given up; it says SYNCED every three."""
SOON = 0.2
"""Seconds until a reader that was too slow begins again."""
FACTS = 1000
MOVING = frozenset({"ageSeconds", "intensity"})
"""What moves by itself. An activity is measured: that it changes, or is not known any more, is news."""
_EQUAL = 0.001
Pause = Callable[[float], bool]
_WORST: tuple[staleness.Staleness, ...] = ("live", "fresh", "stale", "old")
NOTHING = Source("ghost", 0.0, "old")


class Heard(NamedTuple):
    """One thing that was heard.

    `type`: ADDED, MODIFIED or DELETED, of a `resource`: agents, pheromones, proposals, witness, logs or activity;
    `item` is the row as JSON. Or, with resource "": SYNCED: what was told so far is what there is, says `source`;
    BRAKES: {"by", "reason", "since"} of a freeze, or null; LAYER: {"tried": [[layer, why it did not answer], …]}.
    """

    type: str
    resource: str
    item: bytes
    source: Source


def stream(glass: Glass, *, namespace: str, ghost_only: bool, pause: Pause) -> Iterator[Heard]:
    """All that is heard of a hive, of one namespace or of all (""), until `pause` says that it is enough.

    `pause(seconds)` waits, and is true once nobody wants to hear more. `ghost_only`: nothing but the disk is read.
    """
    listening = _Listening(glass, namespace)
    return _on_disk(listening, pause) if ghost_only else _everywhere(listening, pause)


def _on_disk(listening: _Listening, pause: Pause) -> Iterator[Heard]:
    while True:
        if (yield from listening.remembered()):
            yield from listening.missed()
        else:
            yield from listening.missed(("ghost", "nothing is remembered of this hive"))
        if pause(POLL_SECONDS):
            return


def _everywhere(listening: _Listening, pause: Pause) -> Iterator[Heard]:
    """In each round Cortex is tried first, and kubectl is asked unless that took long a moment ago."""
    yield from listening.remembered()
    due = 0.0
    while True:
        lived, why = yield from listening.live()
        if not why:
            if pause(SOON):
                return
            continue
        if lived:
            # Whoever keeps Cortex starts it again at once: that is waited for before kubectl is troubled.
            yield from listening.missed(("Cortex", why))
            yield from listening.remembered()
        elif time.monotonic() >= due:
            began = time.monotonic()
            yield from listening.asked(why)
            due = time.monotonic() + 2 * (time.monotonic() - began) - POLL_SECONDS
        elif listening.silent:
            yield from listening.remembered()
        if pause(POLL_SECONDS):
            return


class _Listening:
    """What was told so far, by whom, and when that was known to be so."""

    def __init__(self, glass: Glass, namespace: str) -> None:
        self._glass, self._namespace = glass, namespace
        self._known = {resource: Known(MOVING) for resource in LISTS}
        self._covered: set[str] = set()
        """Those of LISTS that were told."""
        self._brakes = Known()
        self._facts: deque[int] = deque(maxlen=FACTS)
        self._lines: dict[str, float] = {}
        self._spoken: dict[str, float] = {}
        self._source = NOTHING
        self._synced_at: float | None = None
        """When all that was told was known to be so."""
        self._heard_at = 0.0
        """When the last of it was told: what is older must not undo it."""
        self._stamps: list[int] = []
        self._tried: tuple[tuple[str, str], ...] = ()
        self.silent: tuple[tuple[str, str], ...] = ()
        """Why kubectl did not answer when it was last asked; nothing where it did."""

    def remembered(self) -> Generator[Heard, None, bool]:
        """What the disk knows, if it is as new as what was told; SYNCED with its age. Whether anything is known."""
        found: dict[str, Answer] = {}
        before, self._stamps = self._stamps, self._glass.ghost.stamps()
        for resource, id in LISTS.items() if self._stamps != before else ():
            with contextlib.suppress(Unreachable):  # nothing is remembered of these
                found[resource] = self._from_disk(id)
        now, age = self._glass.clock(), max((answer.source.age for answer in found.values()), default=0.0)
        older = not self._covered <= found.keys() or now - age < self._heard_at - _EQUAL
        if self._synced_at is not None and older:
            known_for, stability = max(now - self._synced_at, 0.0), self._glass.ghost.stability()
            judged = _worst(staleness.classify(resource, known_for, stability) for resource in self._covered)
            yield self._synced(Source("ghost", known_for, judged), self._synced_at)
            return True
        if not found:
            return False
        judged = _worst(answer.source.staleness for answer in found.values())
        source = Source("ghost", age, judged)
        yield from self._braked(dump(next(iter(found.values())).frozen), source)
        # Of many signals the ghost keeps only the strongest.
        lists = {resource: (one.items, one.total <= len(one.items)) for resource, one in found.items()}
        yield from self._told(lists, source)
        self._heard_at = now - age
        yield self._synced(source, now - age)
        return True

    def live(self) -> Generator[Heard, None, tuple[bool, str]]:
        """What Cortex tells, for as long as it does: whether it told anything, and why it ended.

        "" where it only dropped a reader that was too slow.
        """
        path, source = paths.path_of("cluster.stream"), Source("cortex")
        anew: dict[str, list[bytes]] | None = {resource: [] for resource in LISTS}
        self._spoken = dict(self._lines)
        lived = False
        try:
            for type, item, resource in self._glass.cortex.watch(path, {"logs": True}, self._namespace, SILENCE):
                if type == "RESYNC":
                    return lived, ""
                if type == "SYNCED":
                    source = Source("cortex", float(json.loads(item or b"{}").get("ageSeconds") or 0.0))
                    if anew is not None:
                        yield from self._told({resource: (items, True) for resource, items in anew.items()}, source)
                        anew, lived = None, True
                        yield from self.missed()
                        self.silent = ()
                    self._heard_at = max(self._heard_at, self._glass.clock() - source.age)
                    yield self._synced(source, self._glass.clock() - source.age)
                elif type == "BRAKES":
                    yield from self._braked(notice(item), source)
                elif resource not in LISTS:
                    yield from self._spoke(type, resource, item, source)
                elif anew is not None:
                    anew[resource].append(item)
                else:
                    self._heard_at = self._glass.clock()
                    for change, row in self._known[resource].heard(type, item):
                        yield Heard(change, resource, row, source)
        except (NextLayer, KgentsError) as error:
            self._wake()
            return lived, str(error)
        except (ValueError, AttributeError):
            return lived, "what it says cannot be read; is it of another version?"
        self._wake()
        return lived, "it has ended"

    def asked(self, why: str) -> Iterator[Heard]:
        """What the API itself says; where it is silent, too, what is remembered."""
        source = Source("kubectl")
        yield from self.missed(("Cortex", why), *self.silent)  # asking may take seconds
        try:
            found, frozen = self._glass.ask(tuple(LISTS.values()), self._namespace)
        except (NextLayer, KgentsError) as error:
            self.silent = (("kubectl", str(error)),)
            yield from self.missed(("Cortex", why), *self.silent)
            yield from self.remembered()
            return
        self.silent = ()
        yield from self.missed(("Cortex", why))
        yield from self._braked(dump(frozen), source)
        rows = {resource: (found[id], True) for resource, id in LISTS.items() if id in found}
        yield from self._told(rows, source)
        self._heard_at = self._glass.clock()
        yield self._synced(source, self._heard_at)

    def missed(self, *tried: tuple[str, str]) -> Iterator[Heard]:
        """Who did not answer and why, where that is news."""
        if tried != self._tried:
            self._tried = tried
            yield Heard("LAYER", "", dump({"tried": tried}), self._source)

    def _told(self, lists: dict[str, tuple[list[bytes], bool]], source: Source) -> Iterator[Heard]:
        self._covered |= lists.keys()
        for resource, (items, whole) in lists.items():
            for type, item in self._known[resource].differences(items, whole=whole):
                yield Heard(type, resource, item, source)

    def _spoke(self, type: str, resource: str, item: bytes, source: Source) -> Iterator[Heard]:
        """Facts and lines, each once: a daemon that begins tells the last ones again."""
        if resource == "witness":
            if (mark := hash(item)) in self._facts:
                return
            self._facts.append(mark)
        elif resource == "logs":
            row = json.loads(item)
            if row.get("note"):
                yield Heard(type, resource, item, source)
                return
            at, whose = times.parse(row.get("at")), f"{row.get('namespace')}/{row.get('pod')}/{row.get('container')}"
            if at is not None:
                if at <= self._spoken.get(whose, 0.0):
                    return
                self._lines.pop(whose, None)
                self._lines[whose] = at
                if len(self._lines) > FACTS:
                    del self._lines[next(iter(self._lines))]
        yield Heard(type, resource, item, source)

    def _braked(self, frozen: bytes, source: Source) -> Iterator[Heard]:
        for type, item in self._brakes.braked(frozen):
            yield Heard(type, "", item, source)

    def _synced(self, source: Source, at: float) -> Heard:
        self._source, self._synced_at = source, at
        return Heard("SYNCED", "", b"", source)

    def _from_disk(self, id: str) -> Answer:
        return self._glass.read(
            id, namespace=self._namespace, freshness=Freshness(ghost_only=True), bindings={}, arguments={}
        )

    def _wake(self) -> None:
        if self._glass.wake is not None:
            self._glass.wake(self._glass.target)


def _worst(judged: Iterable[staleness.Staleness]) -> staleness.Staleness:
    return max(judged, key=_WORST.index, default="old")
