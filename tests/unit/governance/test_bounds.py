"""What no patch may touch."""

from __future__ import annotations

from typing import Any

import pytest

from kgents.api.governance.changes import ABSENT, PROPOSAL_ANNOTATION
from operators.proposal import bounds


def json(*operations: Any) -> str:
    return bounds.refusal({"type": "Json", "content": list(operations)})


def noted(value: str | None) -> dict[str, Any]:
    return {"metadata": {"annotations": {PROPOSAL_ANNOTATION: value, "mine": "x"} if value else {}}}


METADATA = ("", "/managedFields", "/managedFields/0/manager", "/uid", "/resourceVersion", "/name")


@pytest.mark.parametrize("path", ["", "/status/phase", *(f"/metadata{below}" for below in METADATA)])
def test_an_operation_leaves_alone_what_the_server_writes(path: str) -> None:
    assert "is not to be proposed" in json({"op": "replace", "path": path, "value": {}})
    assert "is not to be proposed" in json({"op": "move", "from": path, "path": "/spec/config"})


def test_what_a_spec_has_may_be_proposed_and_anything_tested() -> None:
    assert (
        json({"op": "add", "path": "/spec/replicas", "value": 2}, {"op": "test", "path": "/status", "value": 1}) == ""
    )
    assert json({"op": "copy", "from": "/spec/image", "path": "/spec/config/image"}) == ""
    assert json({"op": "add", "path": "/metadata/labels/a", "value": "b"}) == ""


@pytest.mark.parametrize("broken", [1, "x", {}, {"op": "add", "path": 3}, None])
def test_what_is_no_operation_is_told(broken: Any) -> None:
    assert "operation 0" in json(broken)


@pytest.mark.parametrize("content", [None, 3, "x", {}])
def test_operations_are_a_list(content: Any) -> None:
    assert "is a list of operations" in bounds.refusal({"type": "Json", "content": content})


def test_ten_thousand_operations_are_enough() -> None:
    add = {"op": "add", "path": "/spec/replicas", "value": 2}
    assert "10001 operations" in json(*[add] * 10_001)
    assert json(*[add] * 10_000) == ""


@pytest.mark.parametrize("type", ["Apply", "Merge"])
def test_a_partial_object_has_no_status(type: str) -> None:
    assert "/status" in bounds.refusal({"type": type, "content": {"status": {"phase": "Merged"}}})
    assert "is a partial object" in bounds.refusal({"type": type, "content": []})
    assert bounds.refusal({"type": type, "content": {"spec": {}}}) == ""


def test_annotations_are_not_swept_away() -> None:
    assert "name each" in bounds.refusal({"type": "Merge", "content": {"metadata": {"annotations": None}}})


def test_nobody_writes_the_note_of_a_merge() -> None:
    assert "kgents.io/proposal" in bounds.hidden(noted(None), noted("default/p/uid"))
    assert "kgents.io/proposal" in bounds.hidden(noted("default/p/uid"), noted(None))
    assert "kgents.io/proposal" in bounds.hidden(ABSENT, noted("default/p/uid"))
    assert bounds.hidden(noted("default/p/uid"), noted("default/p/uid")) == ""
