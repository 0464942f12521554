from __future__ import annotations

import json

from cortex.history import VALUES, History


def rows(history: History, namespace: str = "") -> list[dict[str, object]]:
    return [json.loads(row) for row in history.rows(namespace)]


def test_the_newest_value_is_the_last_and_unknown_is_null() -> None:
    history = History()
    for value in (0.5, None, 0.07):
        history.note(("d", "a"), value)
    assert rows(history) == [{"namespace": "d", "name": "a", "values": [0.5, None, 0.07]}]


def test_it_holds_so_many_and_no_more() -> None:
    history = History()
    for value in range(VALUES + 5):
        history.note(("d", "a"), value / 100)
    assert rows(history)[0]["values"] == [value / 100 for value in range(5, VALUES + 5)]


def test_who_was_never_measured_is_left_out_and_so_is_who_is_gone() -> None:
    history = History()
    history.note(("d", "silent"), None)
    history.note(("d", "gone"), 1.0)
    history.note(("e", "other"), 7.5)
    history.forget(("d", "gone"))
    history.forget(("d", "nobody"))
    assert rows(history, "d") == []
    assert rows(history) == [{"namespace": "e", "name": "other", "values": [1.0]}]
