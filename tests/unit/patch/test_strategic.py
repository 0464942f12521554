from __future__ import annotations

from typing import Any

import pytest

from kgents.embedded.patch import strategic
from kgents.embedded.patch.errors import PatchError
from kgents.embedded.schema.schema import Schema

DEPLOYMENTS = Schema.builtin("apps", "v1", "Deployment")
PODS = {
    "containers": [
        {"name": "main", "image": "app:1", "args": ["x"], "env": [{"name": "A", "value": "1"}, {"name": "B"}]},
        {"name": "side", "image": "side:1"},
    ]
}


def deployment(pod: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"template": {"spec": pod}}}


def patched(pod: dict[str, Any]) -> list[dict[str, Any]]:
    assert DEPLOYMENTS is not None
    result = strategic.apply(deployment(PODS), deployment(pod), DEPLOYMENTS)
    containers: list[dict[str, Any]] = result["spec"]["template"]["spec"]["containers"]
    return containers


def test_containers_and_env_merge_by_name() -> None:
    main, side = patched({"containers": [{"name": "main", "image": "app:2", "env": [{"name": "B", "value": "3"}]}]})
    assert main["image"] == "app:2"
    assert main["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "3"}]
    assert side == {"name": "side", "image": "side:1"}


def test_a_list_without_a_key_is_replaced() -> None:
    assert patched({"containers": [{"name": "main", "args": ["z"]}]})[0]["args"] == ["z"]


def test_a_new_element_comes_first() -> None:
    assert [one["name"] for one in patched({"containers": [{"name": "new"}]})] == ["new", "main", "side"]


def test_an_element_can_be_deleted() -> None:
    found = patched({"containers": [{"name": "side", "$patch": "delete"}]})
    assert [one["name"] for one in found] == ["main"]


def test_a_list_can_be_replaced_as_a_whole() -> None:
    assert patched({"containers": [{"$patch": "replace"}, {"name": "solo"}]}) == [{"name": "solo"}]


def test_the_order_can_be_said() -> None:
    order = [{"name": "side"}, {"name": "main"}]
    found = patched({"$setElementOrder/containers": order, "containers": [{"name": "side", "image": "side:2"}]})
    assert [(one["name"], one["image"]) for one in found] == [("side", "side:2"), ("main", "app:1")]


def test_retained_keys_are_all_that_stays() -> None:
    assert DEPLOYMENTS is not None
    old = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert strategic.apply(old, patch, DEPLOYMENTS) == {"spec": {"strategy": {"type": "Recreate"}}}


def test_a_map_can_be_replaced() -> None:
    assert DEPLOYMENTS is not None
    old = {"metadata": {"labels": {"a": "1", "b": "2"}}}
    patch = {"metadata": {"labels": {"$patch": "replace", "only": "this"}}}
    assert strategic.apply(old, patch, DEPLOYMENTS) == {"metadata": {"labels": {"only": "this"}}}


def test_finalizers_are_added_and_taken_away() -> None:
    assert DEPLOYMENTS is not None
    old = {"metadata": {"finalizers": ["x/a"]}}
    more = strategic.apply(old, {"metadata": {"finalizers": ["x/b"]}}, DEPLOYMENTS)
    assert sorted(more["metadata"]["finalizers"]) == ["x/a", "x/b"]
    less = strategic.apply(more, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["x/a"]}}, DEPLOYMENTS)
    assert less["metadata"]["finalizers"] == ["x/b"]


def test_nulls_remove_and_are_never_stored() -> None:
    main, *_ = patched({"containers": [{"name": "main", "args": None}, {"name": "new", "image": None}]})[1:]
    assert "args" not in main
    assert {"name": "new"} in patched({"containers": [{"name": "new", "image": None}]})


def test_twice_is_once() -> None:
    assert DEPLOYMENTS is not None
    patch = deployment({"containers": [{"name": "new", "image": "n"}, {"name": "main", "image": "app:3"}]})
    once = strategic.apply(deployment(PODS), patch, DEPLOYMENTS)
    assert strategic.apply(once, patch, DEPLOYMENTS) == once


def test_an_element_without_its_key_is_refused() -> None:
    with pytest.raises(PatchError) as refused:
        patched({"containers": [{"image": "x"}]})
    assert refused.value.code == 500
    assert "does not contain declared merge key: name" in refused.value.message


@pytest.mark.parametrize(
    ("pod", "code", "told"),
    [
        ({"$patch": "merge"}, 500, "unknown patch type: merge"),
        ({"containers": [{"$patch": "frob", "name": "main"}]}, 500, "unknown patch type: frob"),
        ({"containers": [{"$patch": "merge", "name": "main"}]}, 500, "merging lists cannot yet be specified"),
        ({"$setElementOrder/containers": "main"}, 400, "invalid patch format of setElementOrder list"),
        (
            {"$setElementOrder/containers": [{"name": "side"}], "containers": [{"name": "main"}]},
            500,
            "doesn't match $setElementOrder list",
        ),
        ({"$retainKeys": "containers"}, 400, "invalid patch format of retainKeys"),
        ({"$retainKeys": ["volumes"], "containers": []}, 400, "invalid patch format of retainKeys"),
    ],
)
def test_directives_that_make_no_sense_are_refused(pod: dict[str, Any], code: int, told: str) -> None:
    with pytest.raises(PatchError) as refused:
        patched(pod)
    assert refused.value.code == code
    assert told in refused.value.message


def test_keys_to_retain_need_not_name_what_goes() -> None:
    patch = deployment({"$retainKeys": ["containers"], "volumes": None, "nodeName": None})
    assert DEPLOYMENTS is not None
    assert strategic.apply(deployment({**PODS, "volumes": []}), patch, DEPLOYMENTS) == deployment(PODS)
