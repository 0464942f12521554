"""Holds the notes of a round against each other. Each finding is one sentence; none is what is wanted.

The longest uninterrupted diary is the reference. No watcher can invent what others saw, so: if every diary is in
order, without a repetition, equal to the reference wherever both looked, and if everything that was acknowledged is in
the reference, then no watcher lost, duplicated or reordered anything.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from benchmarks.soak.notes import Diary, Round, Seen, Segment, State


def findings(notes: Round, diaries: list[Diary], final: State) -> list[str]:
    """Everything that is wrong with a round. `final` is the list that was read when all was quiet."""
    whole = [diary for diary in diaries if not diary.red_only and len(diary.segments) == 1]
    if not whole:
        return ["every watcher of everything had to list anew: nothing to compare with"]
    reference = max((diary.segments[0] for diary in whole), key=lambda one: len(one.events))
    found = [*_order(reference.events, "reference"), *_lives(reference)]
    for diary in diaries:
        for segment in diary.segments:
            found += _order(segment.events, diary.name)
            last = segment is diary.segments[-1]
            found += _same(diary, segment, reference, last=last)
    found += _acknowledged(notes, reference)
    found += _final(reference, final)
    found += _lists(notes, reference)
    return found


def after(state: State, events: Iterable[Seen], rv: int | None = None) -> State:
    """What is there after these events (as far as a version)."""
    now = dict(state)
    for event in events:
        if rv is not None and event.rv > rv:
            break
        if event.type == "DELETED":
            now.pop(event.name, None)
        else:
            now[event.name] = event
    return now


def _order(events: list[Seen], who: str) -> Iterator[str]:
    for before, event in itertools.pairwise(events):
        if event.rv == before.rv:
            yield f"{who}: version {event.rv} of {event.name} came twice"
        elif event.rv < before.rv:
            yield f"{who}: version {event.rv} of {event.name} came after {before.rv}"


def _lives(segment: Segment) -> Iterator[str]:
    """Objects are added, then modified, then deleted; nothing else."""
    alive = {name: one.uid for name, one in segment.state.items()}
    for event in segment.events:
        uid = alive.get(event.name)
        if event.type == "ADDED" and uid is not None:
            yield f"{event.name} was added at {event.rv} though it was there"
        if event.type != "ADDED" and uid != event.uid:
            yield f"{event.name} was {event.type.lower()} at {event.rv} though it was not there"
        if event.type == "DELETED":
            alive.pop(event.name, None)
        else:
            alive[event.name] = event.uid


def red(segment: Segment) -> Iterator[Seen]:
    """What a watcher of red objects must see of a whole history: entering is ADDED, leaving is DELETED."""
    known = dict(segment.state)
    for event in segment.events:
        before = known.pop(event.name, None)
        was, still = before is not None and before.red, event.type != "DELETED" and event.red
        if event.type != "DELETED":
            known[event.name] = event
        if still:
            kind = "MODIFIED" if was else "ADDED"
            yield Seen(event.rv, kind, event.name, event.uid, True, event.content)
        elif was and before is not None:
            # Who leaves is shown as he was when he was last seen here.
            content = event.content if event.type == "DELETED" else before.content
            yield Seen(event.rv, "DELETED", event.name, event.uid, True, content)


def _same(diary: Diary, segment: Segment, reference: Segment, *, last: bool) -> Iterator[str]:
    until = None if last or not segment.events else segment.events[-1].rv
    if not last and not segment.events:
        return
    expected = list(red(reference)) if diary.red_only else reference.events
    wanted = {one.rv: one for one in expected if one.rv > segment.since and (until is None or one.rv <= until)}
    seen = {one.rv: one for one in segment.events}
    for rv in sorted(wanted.keys() - seen.keys()):
        yield f"{diary.name}: lost {wanted[rv].type} of {wanted[rv].name} at {rv}"
    for rv in sorted(seen.keys() - wanted.keys()):
        yield f"{diary.name}: saw {seen[rv].type} of {seen[rv].name} at {rv}, which nobody else saw"
    for rv in sorted(wanted.keys() & seen.keys()):
        if wanted[rv] != seen[rv]:
            yield f"{diary.name}: saw {seen[rv]} where {wanted[rv]} was"


def _acknowledged(notes: Round, reference: Segment) -> Iterator[str]:
    seen = {one.rv: one for one in reference.events}
    for one in notes.acknowledged:
        event = seen.get(one.rv)
        if event is None:
            yield f"the acknowledged {one.type} of {one.name} at {one.rv} was told to nobody"
        elif event != one:
            yield f"{one} was acknowledged, {event} was told"
    gone = {one.uid for one in reference.events if one.type == "DELETED"}
    yield from (f"the acknowledged deletion of {uid} was told to nobody" for uid in sorted(notes.deleted - gone))


def _final(reference: Segment, final: State) -> Iterator[str]:
    told = {name: (one.rv, one.content) for name, one in after(reference.state, reference.events).items()}
    there = {name: (one.rv, one.content) for name, one in final.items()}
    for name in sorted(told.keys() | there.keys()):
        if told.get(name) != there.get(name):
            yield f"{name}: the events end with {told.get(name)}, the list says {there.get(name)}"


def _lists(notes: Round, reference: Segment) -> Iterator[str]:
    for rv, listed in notes.lists:
        if rv < reference.since:
            continue
        past = {name: one.rv for name, one in after(reference.state, reference.events, rv).items()}
        if past != listed:
            wrong = sorted(past.items() ^ listed.items())[:3]
            yield f"a list in pages says it is of {rv}, but it is not what was there then: {wrong}"
