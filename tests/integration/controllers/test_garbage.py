from __future__ import annotations

from typing import Any

from kgents.api.kinds import CONFIG_MAP, CRD, SECRET, Kind
from kgents.kube.client import KubeClient
from tests.integration.controllers.conftest import exists
from tests.support.waiting import eventually_async

Object = dict[str, Any]
WIDGET = Kind("Widget", "widgets", "garbage.example.com/v1")


async def make(api: KubeClient, namespace: str, name: str, *owners: Object, kind: Kind = CONFIG_MAP) -> Object:
    references = [
        {
            "apiVersion": owner.get("apiVersion", "v1"),
            "kind": owner.get("kind", "ConfigMap"),
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            "blockOwnerDeletion": True,
        }
        for owner in owners
    ]
    metadata = {"name": name, "ownerReferences": references}
    return await api.create(kind, {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}, namespace)


async def gone(api: KubeClient, namespace: str, name: str, kind: Kind = CONFIG_MAP) -> None:
    async def look() -> bool:
        return not await exists(api, kind, name, namespace)

    await eventually_async(look)


async def test_a_child_goes_with_its_owner_and_the_grandchild_too(api: KubeClient, namespace: str) -> None:
    owner = await make(api, namespace, "owner")
    child = await make(api, namespace, "child", owner)
    await make(api, namespace, "grandchild", child, kind=SECRET)

    await api.delete(CONFIG_MAP, "owner", namespace)

    await gone(api, namespace, "grandchild", SECRET)
    await gone(api, namespace, "child")


async def test_a_child_of_two_stays_with_the_one_that_is_left(api: KubeClient, namespace: str) -> None:
    first, second = await make(api, namespace, "first"), await make(api, namespace, "second")
    await make(api, namespace, "child", first, second)

    await api.delete(CONFIG_MAP, "first", namespace)

    async def disowned() -> bool:
        child = await api.get(CONFIG_MAP, "child", namespace)
        return [item["name"] for item in child["metadata"]["ownerReferences"]] == ["second"]

    await eventually_async(disowned)


async def test_in_the_foreground_the_owner_goes_last(api: KubeClient, namespace: str) -> None:
    owner = await make(api, namespace, "owner")
    child = await make(api, namespace, "child", owner)
    held = {"metadata": {"finalizers": ["example.com/hold"]}}
    await api.patch(CONFIG_MAP, "child", held, namespace)

    await api.delete(CONFIG_MAP, "owner", namespace, propagation="Foreground")

    async def child_is_going() -> bool:
        found = await api.get(CONFIG_MAP, "child", namespace)
        return bool(found["metadata"].get("deletionTimestamp"))

    await eventually_async(child_is_going)
    assert await exists(api, CONFIG_MAP, "owner", namespace)
    await api.patch(CONFIG_MAP, child["metadata"]["name"], {"metadata": {"finalizers": None}}, namespace)
    await gone(api, namespace, "owner")


async def test_in_the_foreground_a_child_that_somebody_else_owns_too_holds_up_nobody(
    api: KubeClient, namespace: str
) -> None:
    first, second = await make(api, namespace, "first"), await make(api, namespace, "second")
    await make(api, namespace, "child", first, second)

    await api.delete(CONFIG_MAP, "first", namespace, propagation="Foreground")

    await gone(api, namespace, "first")
    assert await exists(api, CONFIG_MAP, "child", namespace)


async def test_orphans_stay_without_an_owner(api: KubeClient, namespace: str) -> None:
    owner = await make(api, namespace, "owner")
    await make(api, namespace, "child", owner)

    await api.delete(CONFIG_MAP, "owner", namespace, propagation="Orphan")

    await gone(api, namespace, "owner")
    assert not (await api.get(CONFIG_MAP, "child", namespace))["metadata"].get("ownerReferences")


async def test_a_child_made_after_its_owner_went_is_found(api: KubeClient, namespace: str) -> None:
    owner = await make(api, namespace, "owner")
    await api.delete(CONFIG_MAP, "owner", namespace)
    await gone(api, namespace, "owner")

    await make(api, namespace, "late", owner)

    await gone(api, namespace, "late")


async def test_a_new_object_under_the_owners_name_is_not_the_owner(api: KubeClient, namespace: str) -> None:
    stranger = await make(api, namespace, "owner")
    impostor = {"metadata": {"name": "owner", "uid": "00000000-0000-4000-8000-000000000000"}}
    await make(api, namespace, "child", impostor)

    await gone(api, namespace, "child")
    assert stranger["metadata"]["uid"] == (await api.get(CONFIG_MAP, "owner", namespace))["metadata"]["uid"]


async def test_an_owner_of_an_unknown_kind_deletes_nothing(api: KubeClient, namespace: str) -> None:
    unknown = {"apiVersion": "nowhere.example.com/v1", "kind": "Ghost", "metadata": {"name": "x", "uid": "1"}}
    await make(api, namespace, "kept", unknown)
    dead = {"metadata": {"name": "dead", "uid": "00000000-0000-4000-8000-000000000001"}}
    await make(api, namespace, "sentinel", dead)

    await gone(api, namespace, "sentinel")

    assert await exists(api, CONFIG_MAP, "kept", namespace)


async def test_a_custom_kind_owns_as_any_other(api: KubeClient, namespace: str) -> None:
    await api.create(CRD, widget_crd())
    try:
        await eventually_async(lambda: _served(api, namespace))
        owner = await make(api, namespace, "w", kind=WIDGET)
        await make(api, namespace, "child", {**owner, "apiVersion": WIDGET.api_version, "kind": WIDGET.kind})

        await api.delete(WIDGET, "w", namespace)

        await gone(api, namespace, "child")
    finally:
        await api.delete(CRD, "widgets.garbage.example.com", missing_ok=True)


async def _served(api: KubeClient, namespace: str) -> bool:
    found = await api.get(CRD, "widgets.garbage.example.com")
    conditions = (found.get("status") or {}).get("conditions") or ()
    return any(item["type"] == "Established" and item["status"] == "True" for item in conditions)


def widget_crd() -> Object:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.garbage.example.com"},
        "spec": {"group": "garbage.example.com", "scope": "Namespaced", "names": names, "versions": [version]},
    }
