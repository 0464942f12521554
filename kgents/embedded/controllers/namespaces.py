"""Namespace deletion: everything in it goes first, then the namespace itself.

What does not go (an object whose finalizer nobody answers) is named in the namespace's conditions, so that a
namespace that hangs says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from kgents.api.kinds import NAMESPACE
from kgents.embedded.controllers.cache import Cache
from kgents.embedded.controllers.discovery import Discovered, Resource, discover
from kgents.embedded.controllers.objects import Object, condition, format_time, is_deleting
from kgents.kube.client import KubeClient
from kgents.kube.errors import ApiError, Conflict, ObjectNotFound
from kgents.kube.queue import Controller

FINALIZER = "kubernetes"
LOOK_AGAIN = 1.0
"""Seconds between looks at a namespace that still has something in it."""


@dataclass(slots=True)
class Remains:
    """What is still there: objects by resource, finalizers they wait for, and what could not be asked."""

    objects: dict[str, int] = field(default_factory=dict)
    finalizers: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.objects or self.failures)


class NamespaceDeletion:
    """Empties namespaces that are being deleted."""

    def __init__(self, api: KubeClient, namespaces: Cache) -> None:
        self._api = api
        self._namespaces = namespaces
        self.controller: Controller[str] = Controller("namespace", self.reconcile)
        namespaces.informer.on_change(self._changed)

    def _changed(self, event: str, namespace: Object) -> None:
        if is_deleting(namespace):
            self.controller.enqueue(namespace["metadata"]["name"])

    async def reconcile(self, name: str) -> float | None:
        """Empty one namespace and let it go. Returns when to look again while something is left."""
        known = self._namespaces.get("", name)
        if known is None or not is_deleting(known):
            return None
        if FINALIZER not in ((known.get("spec") or {}).get("finalizers") or ()):
            return None
        remains = await self._empty(name, await discover(self._api))
        if remains:
            await self._report(known, remains)
            return LOOK_AGAIN
        await self._finalize(name)
        return None

    async def _empty(self, name: str, discovered: Discovered) -> Remains:
        remains = Remains()
        if not discovered.complete:
            remains.failures.append("some API groups did not answer")
        for resource in discovered.resources:
            if resource.kind.namespaced and {"list", "delete"} <= resource.verbs:
                try:
                    await self._empty_of(name, resource, remains)
                except ApiError as error:
                    # Not even "no such resource" means that nothing is there; the next discovery tells.
                    remains.failures.append(f"{resource.kind.plural}: {error.what}")
        return remains

    async def _empty_of(self, name: str, resource: Resource, remains: Remains) -> None:
        items = (await self._api.list(resource.kind, name))["items"]
        if not items:
            return
        if "deletecollection" in resource.verbs:
            options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
            await self._api.request("DELETE", resource.kind.path(name), body=options)
        else:
            for item in items:
                await self._api.delete(
                    resource.kind, item["metadata"]["name"], name, propagation="Background", missing_ok=True
                )
        left = (await self._api.list(resource.kind, name))["items"]
        if left:
            remains.objects[_title(resource)] = len(left)
        for item in left:
            for finalizer in item["metadata"].get("finalizers") or ():
                remains.finalizers[finalizer] = remains.finalizers.get(finalizer, 0) + 1

    async def _finalize(self, name: str) -> None:
        try:
            live = await self._api.get(NAMESPACE, name)
            finalizers = (live.get("spec") or {}).get("finalizers") or []
            left = [item for item in finalizers if item != FINALIZER]
            answer = await self._api.replace(NAMESPACE, {**live, "spec": {"finalizers": left}}, subresource="finalize")
        except ObjectNotFound:
            return
        if answer["metadata"].get("resourceVersion"):
            self._namespaces.note(answer)

    async def _report(self, namespace: Object, remains: Remains) -> None:
        conditions = conditions_of(namespace, remains, datetime.now(UTC))
        status = namespace.get("status") or {}
        if conditions == status.get("conditions"):
            return
        changed = {**namespace, "status": {**status, "phase": "Terminating", "conditions": conditions}}
        try:
            self._namespaces.note(await self._api.replace(NAMESPACE, changed, subresource="status"))
        except (Conflict, ObjectNotFound):
            # Somebody else wrote; the next look, a second away, reports what is true then.
            return


def conditions_of(namespace: Mapping[str, Any], remains: Remains, now: datetime) -> list[Object]:
    """The three conditions of a namespace that is being emptied, worded as Kubernetes words them."""
    objects = ", ".join(f"{title} has {count} resource instances" for title, count in sorted(remains.objects.items()))
    waiting = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(remains.finalizers.items()))
    stated = (
        (
            "NamespaceDeletionContentFailure",
            bool(remains.failures),
            ("ContentDeletionFailed", f"Failed to delete all resource types: {'; '.join(remains.failures)}"),
            ("ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
        ),
        (
            "NamespaceContentRemaining",
            bool(objects),
            ("SomeResourcesRemain", f"Some resources are remaining: {objects}"),
            ("ContentRemoved", "All content successfully removed"),
        ),
        (
            "NamespaceFinalizersRemaining",
            bool(waiting),
            ("SomeFinalizersRemain", f"Some content in the namespace has finalizers remaining: {waiting}"),
            ("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
        ),
    )
    return [_entry(namespace, kind, is_true, yes if is_true else no, now) for kind, is_true, yes, no in stated]


def _entry(namespace: Mapping[str, Any], kind: str, is_true: bool, words: tuple[str, str], now: datetime) -> Object:
    status = "True" if is_true else "False"
    known = condition(namespace, kind)
    since = known["lastTransitionTime"] if known and known["status"] == status else format_time(now)
    return {
        "type": kind,
        "status": status,
        "lastTransitionTime": since,
        "reason": words[0],
        "message": words[1],
    }


def _title(resource: Resource) -> str:
    return f"{resource.kind.plural}.{resource.group}"
