from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgents.embedded.patch import managed
from kgents.embedded.patch.errors import PatchError
from kgents.embedded.schema.schema import Schema
from tests.unit.schema.plants import PLANTS, plant

NOW, LATER = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def apply(live: Any, manager: str, now: str = NOW, force: bool = False, **spec: Any) -> dict[str, Any]:
    return managed.apply(live, plant(**spec), PLANTS, manager=manager, now=now, force=force, reset=("status",))


def update(live: Any, new: dict[str, Any], manager: str, now: str = NOW, **more: Any) -> dict[str, Any]:
    new = copy.deepcopy(new)
    managed.track_update(live, new, PLANTS, manager=manager, now=now, **{"reset": ("status",), **more})
    return new


def owned(obj: dict[str, Any]) -> dict[str, Any]:
    return {one["manager"]: one["fieldsV1"] for one in obj["metadata"].get("managedFields", [])}


def test_an_applier_owns_what_it_names() -> None:
    obj = apply(None, "alice", size=1, notes={"a": "1"}, parts=[{"name": "p", "count": 2}], tags=["t"], steps=["s"])
    (entry,) = obj["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"], entry["time"]) == ("alice", "Apply", NOW)
    assert entry["fieldsV1"] == {
        "f:spec": {
            "f:size": {},
            "f:notes": {"f:a": {}},
            "f:parts": {'k:{"name":"p"}': {".": {}, "f:name": {}, "f:count": {}}},
            "f:tags": {'v:"t"': {}},
            "f:steps": {},
        }
    }


def test_applying_again_changes_nothing_not_even_the_time() -> None:
    live = apply(None, "alice", size=1)
    assert apply(live, "alice", LATER, size=1) == live


def test_what_is_no_longer_named_goes() -> None:
    live = apply(None, "alice", size=1, notes={"a": "1", "b": "2"}, code="x")
    obj = apply(live, "alice", size=1, notes={"a": "1"})
    assert obj["spec"] == {"size": 1, "notes": {"a": "1"}}


def test_what_somebody_else_names_too_stays() -> None:
    live = apply(apply(None, "alice", size=1, code="x"), "bob", code="x")
    obj = apply(live, "alice", size=1)
    assert obj["spec"] == {"size": 1, "code": "x"}
    assert owned(obj) == {"alice": {"f:spec": {"f:size": {}}}, "bob": {"f:spec": {"f:code": {}}}}


def test_other_values_conflict_in_kubernetes_words() -> None:
    live = apply(None, "alice", size=1, color="red")
    with pytest.raises(PatchError) as refused:
        apply(live, "bob", size=2, color="green")
    assert refused.value.code == 409
    assert refused.value.message == (
        'Apply failed with 2 conflicts: conflicts with "alice":\n- .spec.color\n- .spec.size'
    )
    assert refused.value.status()["details"]["causes"][0] == {
        "reason": "FieldManagerConflict",
        "message": 'conflict with "alice"',
        "field": ".spec.color",
    }


def test_a_conflict_with_an_updater_names_its_version() -> None:
    live = update(None, plant(size=1), "editor")
    with pytest.raises(PatchError) as refused:
        apply(live, "bob", size=2)
    told = 'Apply failed with 1 conflict: conflict with "editor" using grow.example.com/v1: .spec.size'
    assert refused.value.message == told


def test_force_takes_over() -> None:
    obj = apply(apply(None, "alice", size=1, code="x"), "bob", force=True, size=2)
    assert obj["spec"] == {"size": 2, "code": "x"}
    assert owned(obj) == {"alice": {"f:spec": {"f:code": {}}}, "bob": {"f:spec": {"f:size": {}}}}


def test_an_update_takes_what_it_changes() -> None:
    live = apply(None, "alice", size=1, code="x")
    new = copy.deepcopy(live)
    new["spec"]["size"] = 5
    assert owned(update(live, new, "editor")) == {
        "alice": {"f:spec": {"f:code": {}}},
        "editor": {"f:spec": {"f:size": {}}},
    }


def test_an_update_that_changes_nothing_keeps_the_time() -> None:
    live = update(None, plant(size=1), "a")
    assert update(live, live, "a", LATER) == live


def test_a_removed_field_leaves_its_owner() -> None:
    live = update(None, plant(size=1, notes={"a": "1", "b": "2"}), "a")
    new = copy.deepcopy(live)
    del new["spec"]["notes"]["a"]
    assert owned(update(live, new, "b"))["a"]["f:spec"]["f:notes"] == {".": {}, "f:b": {}}


def test_status_is_owned_by_who_writes_status() -> None:
    live = update(None, {**plant(size=1), "status": {"phase": "x"}}, "a")
    assert "f:status" not in owned(live)["a"]
    new = copy.deepcopy(live)
    new["status"] = {"phase": "Up"}
    obj = update(live, new, "c", subresource="status", reset=("metadata", "spec"))
    (entry,) = [one for one in obj["metadata"]["managedFields"] if one["manager"] == "c"]
    assert entry["subresource"] == "status"
    assert entry["fieldsV1"] == {"f:status": {"f:phase": {}}}


def test_a_client_can_wipe_the_owners() -> None:
    live = update(None, plant(size=1), "a")
    new = copy.deepcopy(live)
    new["metadata"]["managedFields"] = [{}]
    assert "managedFields" not in update(live, new, "z")["metadata"]


def test_a_client_that_forgets_the_owners_does_not_wipe_them() -> None:
    live = update(None, plant(size=1), "a")
    assert owned(update(live, plant(size=1), "b")) == owned(live)


def test_what_was_never_tracked_belongs_to_somebody_at_the_first_apply() -> None:
    obj = apply(plant(size=1, code="x"), "alice", size=1)
    assert set(owned(obj)) == {"alice", "before-first-apply"}


def test_the_number_of_updaters_is_bounded() -> None:
    live: Any = None
    for number in range(30):
        new = plant(size=1, extra={f"k{n}": n for n in range(number + 1)})
        new["metadata"] = copy.deepcopy(live["metadata"]) if live else {"name": "p"}
        live = update(live, new, f"m{number}", f"2026-01-01T00:00:{number:02}Z")
    assert len(owned(live)) == 10
    assert "ancient-changes" in owned(live)


def test_appliers_may_interleave_their_elements() -> None:
    live = apply(None, "alice", parts=[{"name": "a"}, {"name": "b"}], tags=["x", "y"])
    obj = apply(live, "bob", parts=[{"name": "c"}, {"name": "a"}], tags=["z", "y"])
    assert [part["name"] for part in obj["spec"]["parts"]] == ["c", "a", "b"]
    assert obj["spec"]["tags"] == ["x", "z", "y"]


def test_an_atomic_map_is_owned_as_a_whole() -> None:
    live = apply(None, "alice", window={"from": "8", "to": "9"})
    with pytest.raises(PatchError):
        apply(live, "bob", window={"from": "8"})
    assert apply(live, "bob", force=True, window={"to": "10"})["spec"]["window"] == {"to": "10"}


def test_a_field_that_the_schema_lacks_is_an_error() -> None:
    with pytest.raises(PatchError) as refused:
        apply(None, "alice", bogus=1)
    assert refused.value.code == 500
    assert refused.value.message == (
        "failed to create typed patch object (/p; grow.example.com/v1, Kind=Plant): "
        ".spec.bogus: field not declared in schema"
    )


def test_owners_in_the_body_are_refused() -> None:
    body = plant(size=1)
    body["metadata"]["managedFields"] = [{"manager": "x"}]
    with pytest.raises(PatchError) as refused:
        managed.apply(None, body, PLANTS, manager="a", now=NOW)
    assert (refused.value.code, refused.value.message) == (400, "metadata.managedFields must be nil")


def test_the_live_object_is_never_touched() -> None:
    live = apply(None, "alice", size=1, notes={"a": "1"})
    before = copy.deepcopy(live)
    obj = apply(live, "bob", notes={"b": "2"})
    obj["spec"]["notes"]["a"] = "changed"
    assert live == before


def test_scale_owns_one_field() -> None:
    live = update(None, plant(size=1), "a")
    obj = managed.apply_scale(live, 4, ("spec", "size"), PLANTS, manager="hpa", now=NOW, force=True)
    assert obj["spec"]["size"] == 4
    assert owned(obj)["hpa"] == {"f:spec": {"f:size": {}}}


def test_ports_without_a_protocol_are_tcp() -> None:
    services = Schema.builtin("", "v1", "Service")
    assert services is not None
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    obj = managed.apply(None, body, services, manager="a", now=NOW)
    assert list(owned(obj)["a"]["f:spec"]["f:ports"]) == ['k:{"port":80,"protocol":"TCP"}']


SPECS = st.fixed_dictionaries(
    {},
    optional={
        "size": st.integers(1, 3),
        "code": st.sampled_from(["a", "b"]),
        "notes": st.dictionaries(st.sampled_from("kl"), st.sampled_from("12"), min_size=1),
        "tags": st.lists(st.sampled_from("xyz"), unique=True, min_size=1),
        "parts": st.lists(
            st.fixed_dictionaries({"name": st.sampled_from("abc")}, optional={"count": st.integers(1, 2)}),
            unique_by=lambda part: part["name"],
            min_size=1,
        ),
        "steps": st.lists(st.sampled_from("12"), min_size=1),
    },
)


@given(SPECS, SPECS, SPECS)
def test_apply_is_idempotent_and_says_what_it_means(first: Any, second: Any, third: Any) -> None:
    live = apply(apply(None, "alice", **first), "bob", force=True, **second)
    once = apply(live, "alice", force=True, **third)
    assert apply(once, "alice", LATER, force=True, **third) == once
    for name, value in third.items():
        if not isinstance(value, list | dict):
            assert once["spec"][name] == value


@given(SPECS)
def test_letting_go_of_everything_leaves_nothing(spec: Any) -> None:
    obj = apply(apply(None, "alice", **spec), "alice")
    assert obj.get("spec", {}) == {}
    assert "managedFields" not in obj["metadata"] or owned(obj)["alice"] == {"f:spec": {}}


@pytest.mark.parametrize("spec", [{"size": "big"}, {"steps": "x"}, {"notes": ["x"]}, {"port": {}}, {"code": 1}])
def test_a_value_of_the_wrong_type_is_an_error(spec: dict[str, Any]) -> None:
    with pytest.raises(PatchError) as refused:
        apply(None, "alice", **spec)
    assert refused.value.code == 500
    assert ": expected " in refused.value.message


def test_an_element_that_stands_twice_is_an_error() -> None:
    with pytest.raises(PatchError) as refused:
        apply(None, "alice", parts=[{"name": "a"}, {"name": "a"}])
    assert 'duplicate entries for key [name="a"]' in refused.value.message


def test_elements_that_share_a_key_are_owned_together() -> None:
    live = applied(None, [{"name": "a", "count": 1}], "one")
    doubled = {**live, "spec": {"size": 1, "parts": [{"name": "a", "count": 1}, {"name": "a", "count": 2}]}}
    managed.track_update(live, doubled, PLANTS, manager="careless", now="2026-01-01T00:00:00Z")
    with pytest.raises(PatchError) as refused:
        applied(doubled, [{"name": "a", "count": 1}], "one")
    assert refused.value.code == 409


def applied(live: dict[str, Any] | None, parts: list[dict[str, Any]], manager: str) -> dict[str, Any]:
    body = plant(size=1, parts=parts)
    return managed.apply(live, body, PLANTS, manager=manager, now="2026-01-01T00:00:00Z")
