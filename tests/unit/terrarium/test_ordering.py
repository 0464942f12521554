"""The order that is kept while rows move, against sorting them all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kgents.terrarium.hive import Key, Row
from kgents.terrarium.ordering import AGENT_SORTS, Order, ordered

names = st.sampled_from([f"agent-{number}" for number in range(30)])
rows = st.none() | st.fixed_dictionaries(
    {
        "activity": st.none() | st.floats(0, 1),
        "phase": st.sampled_from(["Running", "Failed", "Unheard"]),
        "restarts": st.integers(0, 3),
        "ageSeconds": st.integers(0, 9),
    }
)


@given(
    st.lists(st.dictionaries(names, rows, max_size=8), min_size=1, max_size=12),
    st.lists(st.sampled_from(sorted(AGENT_SORTS)), min_size=1, max_size=3),
)
def test_a_kept_order_is_that_of_sorting_all_anew(rounds: list[dict[str, Row | None]], sorts: list[str]) -> None:
    known: dict[Key, Row] = {("lab", f"first-{number}"): {"activity": number / 40} for number in range(40)}
    order = Order()

    for nth, changes in enumerate(rounds):
        for name, row in changes.items():
            known.pop(("lab", name), None)
            if row is not None:
                known["lab", name] = row
        place = AGENT_SORTS[sorts[nth * len(sorts) // len(rounds)]]
        moved = {("lab", name) for name in changes}
        assert order.of(known, place, moved) == ordered(known, place)


def test_other_rows_are_another_order() -> None:
    place, order = AGENT_SORTS["name"], Order()

    assert order.of({("a", "one"): {}, ("a", "two"): {}}, place, set()) == [("a", "one"), ("a", "two")]
    assert order.of({("b", "three"): {}}, place, set()) == [("b", "three")]
