from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgents.api.errors import UsageError
from kgents.api.selecting import LONGEST, parse

ROW = {
    "namespace": "default",
    "name": "b-gent",
    "phase": "Running",
    "cognitiveHealth": "Degraded",
    "activity": 0.52,
    "ageSeconds": 240.0,
    "replicas": 2,
    "restarts": 0,
    "suspended": False,
    "reactsTo": ["WARNING", "SCARCITY"],
    "position": {"x": 1.0, "label": "north"},
    "reason": None,
    "payload": "ERR 14 errors, in 60 s",
    "_heard": 1.0,
}

HOLD = [
    "", "  ", ",", "b-gent", "GENT", '"14 errors, in"', "b-gent running", "b-gent,running", "!x-gent",
    "north", "scarcity", "phase=running", "phase!=Failed", "phase=Failed|Running", "phase in (Failed, Running)",
    "phase notin (Failed, Pending)", "ns=default", "health=degraded", "mind!=Healthy",
    "activity>0.5", "activity>=52%", "activity<1", "age<5m", "age>=4m", "age<=240", "restarts=0", "replicas=2",
    "suspended=false", "reactsTo=warning", "reactsTo~^scar", "payload~^ERR", "payload~s,.in", "payload~a{0,2}",
    'payload~"^ERR 14"', "reason=", "who=b-gent", "unknown=", "name=b-gent !zz",
]  # fmt: skip
FAIL = [
    "x-gent", "!gent", "phase=Failed", "phase!=running", "phase=running|Failed !b-gent", "phase in (Failed)",
    "phase notin (running)", "activity>0.52", "activity<50%", "age>5m", "reason=x", "reason>0", "phase>0",
    "suspended>=0", "payload~^14", "unknown=x", "unknown~x", "who=default", '"b-gent running"',
]  # fmt: skip


@pytest.mark.parametrize("text", HOLD)
def test_a_row_is_selected(text: str) -> None:
    assert parse(text).matches(ROW)


@pytest.mark.parametrize("text", FAIL)
def test_a_row_is_not_selected(text: str) -> None:
    assert not parse(text).matches(ROW)


@pytest.mark.parametrize("text", ['"open', "activity>", "activity>fast", "age<soon", "name~(", "x>nan", "a" * 1001])
def test_what_cannot_be_read_is_told(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(text)

    assert refused.value.what
    assert refused.value.why or refused.value.fix


@pytest.mark.parametrize(("text", "selects"), [("", False), (" , ", False), ("x", True), ("!x", True)])
def test_an_empty_selector_is_false(text: str, selects: bool) -> None:
    assert bool(parse(text)) is selects


def test_text_is_what_was_written() -> None:
    assert parse("  phase=Running !x ").text == "phase=Running !x"


@given(st.text(max_size=LONGEST + 10))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        selector = parse(text)
    except UsageError:
        return
    assert selector.matches(ROW) in (True, False)
    assert selector.matches({}) in (True, False)


_WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=8)


@given(_WORDS, _WORDS)
def test_a_word_and_its_opposite(word: str, value: str) -> None:
    row = {"name": value}

    assert parse(word).matches(row) is (word.casefold() in value.casefold())
    assert parse(f"!{word}").matches(row) is not parse(word).matches(row)
    assert parse(f"name={word}").matches(row) is not parse(f"name!={word}").matches(row)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_numbers_are_compared_as_numbers(bound: float, value: float) -> None:
    row = {"risk": value}

    assert parse(f"risk>{bound!r}").matches(row) is (value > bound)
    assert parse(f"risk<={bound!r}").matches(row) is (value <= bound)
