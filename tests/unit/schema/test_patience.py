"""An object and a schema that are each taken, but not together: the time they get is bounded."""

from __future__ import annotations

from typing import Any

import pytest

from kgents.embedded.schema import patience
from kgents.embedded.schema.ratchet import OUT_OF_PATIENCE
from kgents.embedded.schema.schema import Schema


def schema(alternatives: int, keyword: str = "anyOf") -> Schema:
    items = {"type": "string", keyword: [{"enum": [f"x{index}"]} for index in range(alternatives)]}
    spec = {"type": "object", "properties": {"list": {"type": "array", "items": items}}}
    whole = {"type": "object", "properties": {"spec": spec}}
    return Schema.custom(whole, group="example.com", version="v1", kind="Odd")


def odd(length: int, text: str = "q", **labels: str) -> dict[str, Any]:
    metadata = {"name": "a", "labels": labels}
    return {"apiVersion": "example.com/v1", "kind": "Odd", "metadata": metadata, "spec": {"list": [text] * length}}


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "MAX_CPU_SECONDS", -1.0)


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf", "allOf"])
def test_what_takes_too_long_is_refused(hasty: None, keyword: str) -> None:
    assert schema(50, keyword).validate(odd(50)) == [OUT_OF_PATIENCE]


def test_of_what_is_stored_labels_can_still_be_changed(hasty: None) -> None:
    assert schema(50).validate(odd(50, new="label"), odd(50)) == []
    assert schema(50).validate(odd(51), odd(50)) == [OUT_OF_PATIENCE]


def test_the_next_object_gets_time_of_its_own() -> None:
    with pytest.raises(patience.OutOfPatience), patience.patience(-1.0):
        patience.raise_if_late()
    assert schema(2).validate(odd(3, "x1")) == []
    patience.raise_if_late()


def test_anyof_is_content_with_the_first_that_fits() -> None:
    assert schema(3).validate(odd(2, "x0")) == []
    causes = schema(2).validate(odd(1))
    assert [cause.message.split('"')[-1] for cause in causes[-1:]] == [" must validate at least one schema (anyOf)"]
    assert len(causes) == 2
