"""What a watcher sees of a change depends on its selector, and one that lags is dropped."""

from __future__ import annotations

import json

from kgents.embedded.apiserver.store.records import Collection, Event, Record
from kgents.embedded.apiserver.watch import Watcher


def record(rv: int, colour: str) -> Record:
    data = json.dumps({"metadata": {"name": "a", "resourceVersion": str(rv)}, "colour": colour}).encode()
    return Record(("ns", "a"), rv, "u", {"colour": colour}, data)


def is_red(one: Record) -> bool:
    return one.labels["colour"] == "red"


def seen(watcher: Watcher) -> list[tuple[str, str]]:
    events = map(json.loads, watcher.drain().splitlines())
    return [(event["type"], event["object"]["colour"]) for event in events]


def test_what_leaves_the_selector_is_told_as_deleted_with_its_previous_content() -> None:
    watcher = Watcher(Collection("things"), is_red, None)
    watcher.take(Event("MODIFIED", record(2, "blue"), record(1, "red")))
    assert seen(watcher) == [("DELETED", "red")]


def test_what_enters_the_selector_is_told_as_added() -> None:
    watcher = Watcher(Collection("things"), is_red, None)
    watcher.take(Event("MODIFIED", record(2, "red"), record(1, "blue")))
    assert seen(watcher) == [("ADDED", "red")]


def test_what_never_matched_is_not_told() -> None:
    watcher = Watcher(Collection("things"), is_red, None)
    watcher.take(Event("ADDED", record(1, "blue"), None))
    watcher.take(Event("DELETED", record(2, "blue"), record(1, "blue")))
    assert seen(watcher) == []


def test_a_watcher_that_lags_is_dropped_not_buffered() -> None:
    collection = Collection("things")
    watcher = Watcher(collection, None, None, limit=3)
    watcher.start()
    for rv in range(1, 6):
        for listener in tuple(collection.listeners):
            listener(Event("ADDED", record(rv, "red"), None))
    assert (watcher.dropped, len(seen(watcher)), len(collection.listeners)) == (True, 3, 0)
