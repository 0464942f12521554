from __future__ import annotations

import pytest

from cortex.hub import WORDS, Change, Hub, Overrun


def change(name: str = "a", resource: str = "agents") -> Change:
    return Change("ADDED", resource, "default", name, b"{}")


async def test_a_reader_gets_what_it_wants() -> None:
    hub = Hub()
    with hub.subscribe(lambda one: one.resource == "agents") as reader:
        hub.publish(change(resource="pheromones"))
        hub.publish(change("b"))

        assert (await reader.next()).name == "b"


async def test_a_slow_reader_is_told_and_holds_no_more() -> None:
    hub = Hub()
    with hub.subscribe(lambda one: True, capacity=3) as reader:
        for number in range(100):
            hub.publish(change(str(number)))

        assert [(await reader.next()).name for _ in range(3)] == ["0", "1", "2"]
        with pytest.raises(Overrun):
            await reader.next()


async def test_a_reader_that_left_is_forgotten() -> None:
    hub = Hub()
    with hub.subscribe(lambda one: True):
        pass

    assert not hub.readers


async def test_words_give_way_and_never_cost_a_reader_a_change() -> None:
    hub = Hub()
    with hub.subscribe(lambda one: True, capacity=4) as reader:
        for number in range(100):
            hub.publish(change(f"word{number}", WORDS))
        hub.publish(change("fact"))

        assert [(await reader.next()).name for _ in range(3)] == ["word0", "word1", "fact"]
        hub.publish(change("later", WORDS))
        assert (await reader.next()).name == "later"
