"""State, history and compaction of the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kgents.embedded.apiserver.store.database import Database
from kgents.embedded.apiserver.store.records import Record
from kgents.embedded.apiserver.store.store import Moved, Store

Open = Callable[..., Store]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    stores: list[Store] = []

    def opener(**options: int) -> Store:
        while stores:
            stores.pop().close()
        stores.append(Store(Database(tmp_path / "hive.db"), **options))
        return stores[-1]

    yield opener
    while stores:
        stores.pop().close()


def obj(**data: Any) -> dict[str, Any]:
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a", "uid": "u"}, "data": data}


async def write(store: Store, times: int, name: str = "a") -> Record:
    things = store.collection("things")
    for number in range(times):
        await store.put(things, ("ns", name), obj(n=str(number)), things.get("ns", name))
    record = things.get("ns", name)
    assert record is not None
    return record


async def test_a_write_over_something_newer_is_told(opened: Open) -> None:
    store = opened()
    old = await write(store, 1)
    await write(store, 1)
    with pytest.raises(Moved):
        await store.put(store.collection("things"), ("ns", "a"), obj(), old)


async def test_state_and_versions_survive_reopening(opened: Open) -> None:
    last = (await write(opened(), 3)).rv
    again = opened()
    record = again.collection("things").get("ns", "a")
    assert record is not None
    assert (record.rv, again.rv, record.parse()["data"]) == (last, last, {"n": "2"})


async def test_history_survives_reopening(opened: Open) -> None:
    store = opened()
    await write(store, 3)
    kinds = [event.type for event in opened().collection("things").since(0)]
    assert kinds == ["ADDED", "MODIFIED", "MODIFIED"]


async def test_compaction_keeps_the_state_and_moves_the_horizon(opened: Open) -> None:
    last = (await write(opened(window=10, chunk=5), 60)).rv
    again = opened(window=10, chunk=5)
    things = again.collection("things")
    assert things.horizon > 2
    assert [event.rv for event in things.since(things.horizon)][-1] == last
    assert len(things.history) < 60


async def test_the_past_can_be_read_back(opened: Open) -> None:
    store = opened()
    then = (await write(store, 1)).rv
    await write(store, 1)
    await write(store, 1, "b")
    await store.delete(store.collection("things"), await write(store, 1))
    past = store.collection("things").at(then)
    assert [(record.key[1], record.rv) for record in past] == [("a", then)]


async def test_volatile_objects_never_reach_the_disk(opened: Open) -> None:
    store = opened()
    await store.put(store.collection("m", volatile=True), ("", "x"), obj(), None)
    assert "m" not in opened().collections
