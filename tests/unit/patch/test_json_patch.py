from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgents.embedded.patch import json_patch
from kgents.embedded.patch.errors import PatchError

DOCUMENT = {"spec": {"size": 3, "steps": ["a", "b"], "notes": {"x/y": "1", "~": "2"}}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab~/", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab~/", max_size=3), inner, max_size=3),
    max_leaves=8,
)


def patched(*operations: dict[str, Any]) -> Any:
    return json_patch.apply(DOCUMENT, list(operations))["spec"]


def test_add_replace_remove() -> None:
    spec = patched(
        {"op": "replace", "path": "/spec/size", "value": 7},
        {"op": "add", "path": "/spec/steps/-", "value": "c"},
        {"op": "add", "path": "/spec/steps/0", "value": "first"},
        {"op": "remove", "path": "/spec/notes/x~1y"},
    )
    assert spec == {"size": 7, "steps": ["first", "a", "b", "c"], "notes": {"~": "2"}}


def test_move_and_copy() -> None:
    notes = patched(
        {"op": "copy", "from": "/spec/notes/~0", "path": "/spec/notes/b"},
        {"op": "move", "from": "/spec/notes/~0", "path": "/spec/notes/c"},
    )["notes"]
    assert notes == {"x/y": "1", "b": "2", "c": "2"}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/spec/size", "value": 8},
        {"op": "test", "path": "/spec/size", "value": 3.5},
        {"op": "remove", "path": "/spec/nosuch"},
        {"op": "replace", "path": "/spec/nosuch", "value": 1},
        {"op": "add", "path": "/spec/nosuch/deeper", "value": 1},
        {"op": "add", "path": "/spec/steps/9", "value": 1},
        {"op": "add", "path": "/spec/steps/1x", "value": 1},
        {"op": "remove", "path": "/spec/steps/-3"},
        {"op": "add", "path": "/spec/steps/-4", "value": 1},
        {"op": "remove", "path": "/spec/steps/--1"},
        {"op": "add", "path": "/spec/size/x", "value": 1},
        {"op": "frob", "path": "/spec/size"},
        {"op": "add", "path": "spec"},
        {"op": "move", "from": "/spec", "path": "/spec/inner"},
        {"op": "copy", "path": "/spec/a"},
        {},
    ],
)
def test_what_cannot_be_done_is_unprocessable(operation: dict[str, Any]) -> None:
    before = copy.deepcopy(DOCUMENT)
    with pytest.raises(PatchError) as refused:
        json_patch.apply(DOCUMENT, [{"op": "remove", "path": "/spec/notes/~0"}, operation])
    assert (refused.value.code, refused.value.reason) == (422, "Invalid")
    assert before == DOCUMENT


def test_a_patch_is_a_list() -> None:
    with pytest.raises(PatchError) as refused:
        json_patch.apply({}, {"spec": {}})
    assert refused.value.code == 400


@given(JSON, JSON)
def test_replacing_the_whole_document_gives_the_new_one(old: Any, new: Any) -> None:
    assert json_patch.apply(old, [{"op": "replace", "path": "", "value": new}]) == new


@given(st.dictionaries(st.text("ab~/", max_size=3), JSON, max_size=4))
def test_every_key_can_be_addressed(document: dict[str, Any]) -> None:
    def pointer(name: str) -> str:
        return "/" + name.replace("~", "~0").replace("/", "~1")

    tests = [{"op": "test", "path": pointer(name), "value": value} for name, value in document.items()]
    removals = [{"op": "remove", "path": pointer(name)} for name in document]
    assert json_patch.apply(document, tests + removals) == {}


@pytest.mark.parametrize("target", ["/a/x", "/a/-"])
def test_copies_cannot_double_an_object_without_end(target: str) -> None:
    document = {"a": [] if target.endswith("-") else {}}
    with pytest.raises(PatchError) as refused:
        json_patch.apply(document, [{"op": "copy", "from": "/a", "path": target}] * 5000)
    assert refused.value.code in (400, 422)


def test_negative_indices_count_from_the_end() -> None:
    steps = patched({"op": "add", "path": "/spec/steps/-1", "value": "c"}, {"op": "remove", "path": "/spec/steps/-2"})
    assert steps["steps"] == ["a", "c"]


def test_an_addition_without_a_value_adds_null() -> None:
    assert patched({"op": "add", "path": "/spec/size"})["size"] is None


def test_the_number_of_operations_is_limited() -> None:
    with pytest.raises(PatchError) as refused:
        json_patch.apply({}, [{"op": "test", "path": "/a", "value": None}] * 10_001)
    told = "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001"
    assert (refused.value.code, refused.value.message) == (413, told)
