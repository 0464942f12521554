from __future__ import annotations

from typing import Any

from kgents.embedded.schema.duplicates import duplicate_fields
from kgents.embedded.schema.schema import Schema
from tests.unit.schema.plants import PLANTS, custom, plant


def test_defaults_fill_what_is_missing() -> None:
    obj = plant(size=1, parts=[{"name": "a"}])
    PLANTS.default(obj)
    assert obj["spec"] == {
        "size": 1,
        "parts": [{"name": "a", "count": 1}],
        "color": "green",
        "limits": {"cpu": "1"},
    }


def test_defaults_are_not_shared_between_objects() -> None:
    one, two = plant(size=1), plant(size=1)
    PLANTS.default(one)
    one["spec"]["limits"]["cpu"] = "9"
    PLANTS.default(two)
    assert two["spec"]["limits"] == {"cpu": "1"}


def test_a_null_gives_way_to_the_default_or_goes_unless_nullable() -> None:
    obj = plant(size=1, color=None, code=None, hint=None)
    PLANTS.default(obj)
    assert obj["spec"]["color"] == "green"
    assert "code" not in obj["spec"]
    assert obj["spec"]["hint"] is None


def test_unknown_fields_are_pruned_except_where_preserved() -> None:
    obj = plant(size=1, bogus=1, extra={"any": [{"b": None}]}, parts=[{"name": "a", "x": 1}])
    obj["other"] = 1
    assert PLANTS.unknown_fields(obj) == ["other", "spec.bogus", "spec.parts[0].x"]
    PLANTS.prune(obj)
    assert obj == plant(size=1, extra={"any": [{"b": None}]}, parts=[{"name": "a"}])


def test_metadata_is_known_without_being_declared() -> None:
    obj = plant(size=1)
    obj["metadata"] |= {"labels": {"a": "b"}, "bogus": "x"}
    assert PLANTS.unknown_fields(obj) == ["metadata.bogus"]
    PLANTS.prune(obj)
    assert obj["metadata"] == {"name": "p", "labels": {"a": "b"}}


def test_labels_must_be_strings_to_be_decoded_at_all() -> None:
    obj = plant(size=1)
    obj["metadata"]["labels"] = {"a": 1}
    assert "cannot unmarshal number" in (PLANTS.decode_error(obj) or "")


def test_builtin_kinds_are_decoded_into_their_types() -> None:
    maps = Schema.builtin("", "v1", "ConfigMap")
    assert maps is not None
    told = maps.decode_error({"data": {"a": 1}})
    assert told == "json: cannot unmarshal number into Go struct field ConfigMap.data of type string"
    assert maps.decode_error({"data": {"a": "1"}}) is None


def test_builtin_kinds_lose_empty_lists_but_keep_empty_structs() -> None:
    pods = Schema.builtin("", "v1", "Pod")
    assert pods is not None
    pod = {"spec": {"volumes": [{"name": "v", "emptyDir": {}}], "containers": [], "nodeSelector": {}}}
    pods.default(pod)
    assert pod == {"spec": {"volumes": [{"name": "v", "emptyDir": {}}], "containers": []}}


def test_owned_fields_are_not_unknown() -> None:
    obj = plant(size=1)
    obj["metadata"]["managedFields"] = [{"manager": "m", "fieldsV1": {"f:spec": {"f:size": {}}}}]
    PLANTS.prune(obj)
    assert obj["metadata"]["managedFields"][0]["fieldsV1"] == {"f:spec": {"f:size": {}}}


def test_kinds_that_kubernetes_lacks_have_no_builtin_schema() -> None:
    assert Schema.builtin("grow.example.com", "v1", "Plant") is None


def test_a_repeated_key_is_found_with_its_path() -> None:
    assert duplicate_fields(b'{"a": {"b": 1, "c": [{"d": 1, "d": 2}], "b": 2}}') == ["a.b", "a.c[0].d"]
    assert duplicate_fields(b"{") == []


def test_nesting_beyond_the_bound_cannot_be_decoded() -> None:
    deep: dict[str, Any] = {}
    for _ in range(1000):
        deep = {"a": deep}
    assert PLANTS.decode_error(plant(size=1, extra=deep)) == "json: exceeded max depth"


def test_a_null_goes_from_a_field_of_any_type_too_but_stays_where_nothing_is_declared() -> None:
    fields = {
        "any": {"x-kubernetes-preserve-unknown-fields": True},
        "open": {"type": "object", "additionalProperties": True},
    }
    schema = custom({"type": "object", "properties": fields})
    obj = plant(any=None, open={"a": None})
    schema.default(obj)
    assert obj["spec"] == {"open": {"a": None}}


def test_a_list_that_keeps_unknown_fields_keeps_those_of_its_elements() -> None:
    inner = {"type": "object", "properties": {"n": {"type": "integer"}}}
    items = {"type": "object", "properties": {"inner": inner}}
    free = {"type": "array", "x-kubernetes-preserve-unknown-fields": True, "items": items}
    schema = custom({"type": "object", "properties": {"l": free}})
    obj = plant(l=[{"x": 1, "inner": {"n": 1, "y": 2}}])
    assert schema.unknown_fields(obj) == ["spec.l[0].inner.y"]
    schema.prune(obj)
    assert obj["spec"] == {"l": [{"x": 1, "inner": {"n": 1}}]}


def test_a_null_in_a_map_gives_way_to_the_default_of_its_values() -> None:
    values = {"type": "object", "additionalProperties": {"type": "string", "default": "x"}}
    schema = custom({"type": "object", "properties": {"m": values}})
    obj = plant(m={"a": None, "b": "y"})
    schema.default(obj)
    assert obj["spec"]["m"] == {"a": "x", "b": "y"}
