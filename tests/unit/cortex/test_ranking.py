from __future__ import annotations

import random
from itertools import islice

import pytest

from cortex.ranking import Ranking
from kgents.api.pheromone import Decay

NOW = 1_800_000_000.0


def ranking(*signals: tuple[str, str, Decay]) -> Ranking:
    made = Ranking()
    for name, type, decay in signals:
        made.put(("default", name), type, decay, b"{")
    return made


def names(made: Ranking, now: float = NOW, **wanted: object) -> list[str]:
    return [entry.key[1] for _, entry in made.strongest(now, **wanted)]  # type: ignore[arg-type]


def test_the_strongest_now_comes_first() -> None:
    made = ranking(("fast", "WARNING", Decay(1.0, 10, NOW)), ("slow", "STATE", Decay(0.5, 1000, NOW)))

    assert names(made) == ["fast", "slow"]
    assert names(made, NOW + 20) == ["slow", "fast"]


def test_it_agrees_with_sorting_everything() -> None:
    dice = random.Random(7)
    signals = [
        (
            f"s{n}",
            dice.choice("AB"),
            Decay(dice.uniform(0.01, 1), dice.choice([60.0, 300.0, 3600.0]), NOW - dice.uniform(0, 600)),
        )
        for n in range(500)
    ]
    made = ranking(*signals)

    expected = sorted((d.at(NOW) for _, _, d in signals if d.at(NOW) >= 0.01), reverse=True)

    assert [intensity for intensity, _ in made.strongest(NOW)] == pytest.approx(expected)
    assert made.count(NOW) == len(expected)


def test_only_the_types_asked_for() -> None:
    made = ranking(("a", "WARNING", Decay(1.0, 60, NOW)), ("b", "STATE", Decay(1.0, 60, NOW)))

    assert names(made, types=frozenset({"STATE"})) == ["b"]


def test_only_the_namespace_asked_for() -> None:
    made = ranking(("a", "WARNING", Decay(1.0, 60, NOW)))

    assert names(made, namespace="elsewhere") == []


def test_nothing_weaker_than_asked_for() -> None:
    made = ranking(*((f"s{n}", "STATE", Decay(n / 10, 1e6, NOW)) for n in range(1, 10)))

    assert names(made, least=0.75) == ["s9", "s8"]
    assert made.count(NOW, least=0.75) == 2


def test_a_signal_whose_ttl_is_over_hides_no_weaker_one() -> None:
    made = ranking(("ended", "STATE", Decay(1.0, 600, NOW - 60, ttl=30)), ("weaker", "STATE", Decay(0.3, 600, NOW)))

    assert names(made) == ["weaker"]


def test_a_replaced_signal_is_there_once() -> None:
    made = ranking(("a", "STATE", Decay(1.0, 60, NOW)), ("a", "STATE", Decay(0.5, 90, NOW)))

    assert names(made) == ["a"]


def test_a_removed_signal_is_gone() -> None:
    made = ranking(("a", "STATE", Decay(1.0, 60, NOW)))

    made.remove(("default", "a"))
    made.remove(("default", "a"))

    assert (names(made), len(made)) == ([], 0)


def test_a_question_looks_at_no_more_than_it_needs() -> None:
    made = ranking(*((f"s{n}", "STATE", Decay(0.5, 1e6, NOW)) for n in range(100)))

    assert len(list(islice(made.strongest(NOW), 10))) == 10
