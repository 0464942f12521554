from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from kgents.infra import manifests
from kgents.infra.compatible import breaks

Object = dict[str, Any]
SPEC: Object = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": {"type": "integer", "minimum": 1},
        "color": {"type": "string", "enum": ["red", "blue"]},
        "names": {"type": "array", "items": {"type": "string", "maxLength": 9}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "note": {"type": "string", "nullable": True},
    },
}


def crd(schema: Object = SPEC, version: str = "v1", **more: Any) -> Object:
    one = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": deepcopy(schema)}}
    made: Object = {"spec": {"scope": "Namespaced", "versions": [{**one, **more}]}}
    return {**made, "status": {"storedVersions": [version]}}


def changed(path: str, value: Any) -> Object:
    """SPEC with the value at a dotted path replaced; None takes it away."""
    schema = deepcopy(SPEC)
    *way, last = path.split(".")
    at = schema
    for step in way:
        at = at[step]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return schema


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("properties.color", None, "v1.color is removed"),
        ("properties.color.enum", ["red"], "v1.color may no longer be blue"),
        ("properties.note.enum", ["a"], "v1.note may only be one of a"),
        ("properties.size.minimum", 2, "v1.size: minimum would be 2, it is 1"),
        ("properties.size.maximum", 2, "v1.size: maximum would be 2"),
        ("properties.size.type", "string", "v1.size is a integer and would be a string"),
        ("properties.names.items.maxLength", 8, "v1.names[]: maxLength would be 8, it is 9"),
        ("properties.labels.additionalProperties.pattern", "a", "v1.labels.* must match another pattern"),
        ("properties.free.x-kubernetes-preserve-unknown-fields", None, "v1.free may no longer have fields of any name"),
        ("properties.note.nullable", None, "v1.note may no longer be null"),
        ("required", ["size", "color"], "v1.color would be required"),
    ],
)
def test_what_is_narrower_is_told_with_its_place(path: str, value: Any, told: str) -> None:
    assert breaks(crd(), crd(changed(path, value))) == [told]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("properties.more", {"type": "string"}),
        ("properties.color.enum", ["red", "blue", "green"]),
        ("properties.size.minimum", 0),
        ("properties.size.minimum", None),
        ("properties.names.items.maxLength", None),
        ("properties.color.x-kubernetes-validations", [{"rule": "self != 'red'"}]),
        ("properties.color.description", "which"),
        ("required", []),
    ],
)
def test_what_is_wider_is_no_break(path: str, value: Any) -> None:
    assert breaks(crd(), crd(changed(path, value))) == []


def test_a_required_field_with_a_default_breaks_nothing() -> None:
    schema = changed("properties.color.default", "red")
    schema["required"] = ["size", "color"]

    assert breaks(crd(), crd(schema)) == []


def test_a_version_that_objects_are_stored_as_is_not_removed() -> None:
    assert breaks(crd(), crd(version="v2")) == ["objects are stored as v1, which is removed"]
    assert breaks(crd(), crd(served=False)) == ["v1 is no longer served"]


def test_a_subresource_and_the_scope_stay() -> None:
    after = crd()
    after["spec"]["scope"] = "Cluster"

    assert breaks(crd(subresources={"status": {}}), after) == [
        "it is Namespaced and would be Cluster",
        "v1 has no /status any more",
    ]


def test_what_this_version_ships_fits_itself() -> None:
    assert [line for one in manifests.crds() for line in breaks(one, one)] == []
