from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kgents.embedded.patch.fields import (
    children_of,
    difference,
    intersection,
    is_member,
    paths,
    union,
)


def _node(children: dict[str, Any], member: bool) -> dict[str, Any]:
    if not children:
        return {}
    return {".": {}, **children} if member else children


NAMES = st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', 'v:"y"'])
FIELDS = st.recursive(
    st.just({}),
    lambda inner: st.builds(_node, st.dictionaries(NAMES, inner, min_size=1, max_size=3), st.booleans()),
    max_leaves=8,
).map(children_of)


def members(fields: dict[str, Any], prefix: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for name, child in fields.items():
        if name != ".":
            found |= {(*prefix, name)} if is_member(child) else set()
            found |= members(child, (*prefix, name))
    return found


@given(FIELDS, FIELDS)
def test_sets_of_fields_are_sets(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert members(union(one, other)) == members(one) | members(other)
    assert members(difference(one, other)) == members(one) - members(other)
    assert members(intersection(one, other)) == members(one) & members(other)


@given(FIELDS)
def test_nothing_empty_is_left_behind(fields: dict[str, Any]) -> None:
    assert difference(fields, fields) == {}
    assert union(fields, {}) == fields


def test_paths_read_as_kubernetes_writes_them() -> None:
    fields = {"f:spec": {"f:parts": {'k:{"name":"b","port":80}': {"f:count": {}}}, "f:tags": {'v:"x"': {}}, "f:z": {}}}
    assert list(paths(fields)) == [".spec.z", '.spec.parts[name="b",port=80].count', '.spec.tags[="x"]']
