from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgents.embedded.patch import merge_patch
from kgents.embedded.patch.errors import PatchError

VALUES = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("abc", max_size=1), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text("abc", max_size=1), VALUES, max_size=3)
PATCHES = st.dictionaries(
    st.text("abc", max_size=1), st.none() | VALUES | st.dictionaries(st.text("abc", max_size=1), st.none()), max_size=3
)


def test_maps_merge_lists_replace_null_removes() -> None:
    document = {"a": {"x": 1, "y": 2}, "l": [1, 2], "gone": 1}
    patch = {"a": {"x": None, "z": 3}, "l": [9], "gone": None}
    assert merge_patch.apply(document, patch) == {"a": {"y": 2, "z": 3}, "l": [9]}


def test_a_patch_is_an_object() -> None:
    with pytest.raises(PatchError) as refused:
        merge_patch.apply({}, [])
    assert refused.value.code == 400


@given(OBJECTS, PATCHES)
def test_twice_is_once_and_nothing_given_changes(document: dict[str, Any], patch: dict[str, Any]) -> None:
    before = copy.deepcopy((document, patch))
    once = merge_patch.apply(document, patch)
    assert merge_patch.apply(once, patch) == once
    assert (document, patch) == before


@given(OBJECTS)
def test_an_empty_patch_changes_nothing_and_shares_nothing(document: dict[str, Any]) -> None:
    result = merge_patch.apply(document, {})
    assert result == document
    assert result is not document


@given(OBJECTS, OBJECTS)
def test_what_the_patch_says_is_so_afterwards(document: dict[str, Any], patch: dict[str, Any]) -> None:
    result = merge_patch.apply(document, patch)
    for name, value in patch.items():
        if not isinstance(value, dict):
            assert result[name] == value


def test_a_patch_too_deep_to_walk_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(1000):
        deep = {"a": deep}
    with pytest.raises(PatchError) as refused:
        merge_patch.apply({}, deep)
    assert refused.value.code == 400
