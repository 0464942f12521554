"""What a watcher sees of a change depends on its selector; it keeps a place in the history, not a queue."""

from __future__ import annotations

import asyncio
import json

from kgents.embedded.apiserver.store.records import Collection, Event, Record
from kgents.embedded.apiserver.watch import PIECE, Matches, Watcher


def record(rv: int, colour: str, name: str = "a", size: int = 0) -> Record:
    meta = {"name": name, "resourceVersion": str(rv)}
    data = json.dumps({"metadata": meta, "colour": colour, "text": "x" * size}).encode()
    return Record(("ns", name), rv, "u", {"colour": colour}, data)


def is_red(one: Record) -> bool:
    return one.labels["colour"] == "red"


class Things(Collection):
    """A collection to which changes are made by hand."""

    def __init__(self, history: int = 100) -> None:
        super().__init__("things", history=history)

    def put(self, one: Record) -> None:
        previous = self.records.get(one.key)
        self._change(Event("MODIFIED" if previous else "ADDED", one, previous))

    def remove(self, rv: int, name: str = "a") -> None:
        previous = self.records["ns", name]
        self._change(Event("DELETED", record(rv, previous.labels["colour"], name), previous))

    def _change(self, event: Event) -> None:
        self.apply(event)
        self.tell(event)


def watcher(things: Things, matches: Matches | None = None, place: int = 0) -> Watcher:
    one = Watcher(things, place, matches, None)
    one.start()
    return one


def seen(one: Watcher) -> list[tuple[str, str]]:
    events = map(json.loads, one.drain().splitlines())
    return [(event["type"], event["object"]["colour"]) for event in events]


def test_what_leaves_the_selector_is_told_as_deleted_with_its_previous_content() -> None:
    things = Things()
    things.put(record(1, "red"))
    one = watcher(things, is_red, 1)
    things.put(record(2, "blue"))
    event = json.loads(one.drain())
    assert (event["type"], event["object"]["colour"]) == ("DELETED", "red")
    assert event["object"]["metadata"]["resourceVersion"] == "2"


def test_what_enters_the_selector_is_told_as_added() -> None:
    things = Things()
    things.put(record(1, "blue"))
    one = watcher(things, is_red, 1)
    things.put(record(2, "red"))
    assert seen(one) == [("ADDED", "red")]


def test_what_never_matched_is_not_told_and_wakes_nobody() -> None:
    things = Things()
    one = watcher(things, is_red)
    things.put(record(1, "blue"))
    things.remove(2)
    assert (one.waiting, one.place, seen(one)) == (False, 2, [])


def test_a_change_of_interest_does_not_hide_the_next_one() -> None:
    things = Things()
    one = watcher(things, is_red)
    for rv, colour in enumerate(("red", "blue", "red"), start=1):
        things.put(record(rv, colour))
    assert seen(one) == [("ADDED", "red"), ("DELETED", "red"), ("ADDED", "red")]


def test_a_watcher_that_lags_holds_nothing_and_is_behind_when_the_history_has_moved_on() -> None:
    things = Things(history=3)
    one = watcher(things)
    for rv in range(1, 4):
        things.put(record(rv, "red", f"n{rv}"))
    assert not one.behind
    things.put(record(4, "red", "n4"))
    assert (one.behind, one.drain()) == (True, b"")


def test_a_watcher_begins_behind_its_place_even_in_the_future() -> None:
    things = Things()
    things.put(record(1, "red"))
    one = watcher(things, place=2)
    things.put(record(2, "blue"))
    things.put(record(3, "green"))
    assert seen(one) == [("MODIFIED", "green")]


def test_much_is_sent_in_pieces() -> None:
    things = Things()
    one = watcher(things)
    for rv in range(1, 9):
        things.put(record(rv, "red", f"n{rv}", size=PIECE // 2))
    pieces = []
    while one.waiting:
        pieces.append(one.drain())
    assert max(map(len, pieces)) < 2 * PIECE
    assert [json.loads(line)["object"]["metadata"]["name"] for line in b"".join(pieces).splitlines()] == [
        f"n{rv}" for rv in range(1, 9)
    ]


async def test_waiting_ends_with_a_change_a_close_and_the_time() -> None:
    things = Things()
    one = watcher(things)
    await one.wait(0.001)
    waiting = asyncio.create_task(one.wait(1000))
    await asyncio.sleep(0)
    things.put(record(1, "red"))
    await waiting
    assert seen(one) == [("ADDED", "red")]
    waiting = asyncio.create_task(one.wait(1000))
    await asyncio.sleep(0)
    things.end_watches()
    await waiting
    assert one.closed
