"""What every loop that owns pods does to them: create, delete, adopt, let go, and hear of their changes.

Every answer goes into the mirror at once, so that the next look counts what this one did.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kgents.api.errors import KgentsError
from kgents.api.kinds import POD, Kind
from kgents.embedded.controllers.cache import Cache
from kgents.embedded.controllers.events import Recorder
from kgents.embedded.controllers.objects import (
    Key,
    Object,
    controller_of,
    is_deleting,
    labels_of,
    owner_reference,
    selects,
)
from kgents.embedded.controllers.refusals import is_terminating
from kgents.kube.client import KubeClient
from kgents.kube.errors import ObjectNotFound
from kgents.kube.queue import Controller


def from_template(template: Mapping[str, Any], kind: Kind, owner: Mapping[str, Any]) -> Object:
    """A pod of a pod template, owned by `owner`, with a name that the server completes."""
    metadata = template.get("metadata") or {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": f"{owner['metadata']['name'][:57]}-",
            "namespace": owner["metadata"]["namespace"],
            "labels": dict(metadata.get("labels") or {}),
            "annotations": dict(metadata.get("annotations") or {}),
            "finalizers": list(metadata.get("finalizers") or ()),
            "ownerReferences": [owner_reference(kind, owner)],
        },
        "spec": dict(template.get("spec") or {}),
    }


class PodControl:
    """Writes the pods of one kind of owner, and tells of it in Events of the owner. `finalizer`: what its pods bear."""

    def __init__(self, api: KubeClient, kind: Kind, pods: Cache, events: Recorder, finalizer: str = "") -> None:
        self._api = api
        self._kind = kind
        self._pods = pods
        self._events = events
        self._finalizer = finalizer

    def follow(self, owners: Cache, controller: Controller[Key]) -> None:
        """Have an owner looked at when one of its pods changes, or one comes by that it could adopt."""

        def changed(event: str, pod: Object) -> None:
            namespace = pod["metadata"]["namespace"]
            owner = controller_of(pod)
            if owner is not None:
                if owner["kind"] == self._kind.kind and owner["apiVersion"] == self._kind.api_version:
                    controller.enqueue((namespace, owner["name"]))
            elif event != "DELETED":
                for candidate in owners.in_namespace(namespace):
                    if selects(candidate["spec"].get("selector"), labels_of(pod)):
                        controller.enqueue((namespace, candidate["metadata"]["name"]))

        self._pods.informer.on_change(changed)

    def of(self, owner: Object) -> list[Object]:
        """The pods that `owner` controls."""
        uid = owner["metadata"]["uid"]
        return [pod for pod in self._pods.owned_by(uid) if (controller_of(pod) or {}).get("uid") == uid]

    async def claim(self, owner: Object) -> list[Object]:
        """The owner's pods, after orphans that its selector takes were adopted and those it no longer takes let go."""
        selector = owner["spec"].get("selector")
        if is_deleting(owner):
            return self.of(owner)
        free = [
            pod
            for pod in self._pods.orphans(owner["metadata"]["namespace"])
            if selects(selector, labels_of(pod)) and not is_deleting(pod)
        ]
        if free and await self.still_there(owner):
            for pod in free:
                await self.adopt(owner, pod)
        for pod in self.of(owner):
            if not selects(selector, labels_of(pod)):
                await self.release(owner, pod)
        return self.of(owner)

    async def still_there(self, owner: Object) -> bool:
        """Adoption asks the server: a cached owner may be one that is being deleted."""
        metadata = owner["metadata"]
        try:
            live = await self._api.get(self._kind, metadata["name"], metadata["namespace"])
        except ObjectNotFound:
            return False
        return live["metadata"]["uid"] == metadata["uid"] and not is_deleting(live)

    async def adopt(self, owner: Object, pod: Object) -> None:
        """Make `owner` the controller of an orphan."""
        known = pod["metadata"]
        change: Object = {"ownerReferences": [*(known.get("ownerReferences") or ()), self._reference(owner)]}
        if self._finalizer:
            change["finalizers"] = list(dict.fromkeys([*(known.get("finalizers") or ()), self._finalizer]))
        await self.patch(pod, change)

    async def release(self, owner: Object, pod: Object) -> None:
        """Let go of a pod."""
        uid = owner["metadata"]["uid"]
        kept = [item for item in pod["metadata"]["ownerReferences"] if item["uid"] != uid]
        await self.patch(pod, {"ownerReferences": kept or None})

    async def create_all(self, owner: Object, pods: Sequence[Object]) -> None:
        """Create pods in batches of 1, 2, 4 …, so that a template that is refused is refused once. Raises the first."""
        batch, left = 1, list(pods)
        while left:
            now, left = left[:batch], left[batch:]
            results = await asyncio.gather(*(self.create(owner, pod) for pod in now), return_exceptions=True)
            failed = next((item for item in results if isinstance(item, BaseException)), None)
            if failed is not None:
                raise failed
            batch *= 2

    async def create(self, owner: Object, pod: Object) -> Object:
        """Create one pod. A refusal is told in an Event, and raised."""
        try:
            made = await self._api.create(POD, pod)
        except KgentsError as error:
            if not is_terminating(error):
                message = f"Error creating: {error.what}"
                await self._events.record(self._kind, owner, "FailedCreate", message, warning=True)
            raise
        self._pods.note(made)
        message = f"Created pod: {made['metadata']['name']}"
        await self._events.record(self._kind, owner, "SuccessfulCreate", message)
        return made

    async def delete_all(self, owner: Object, pods: Iterable[Object]) -> None:
        """Delete pods; those that are on their way already are left alone."""
        for pod in pods:
            if not is_deleting(pod):
                await self.delete(owner, pod)

    async def delete(self, owner: Object, pod: Object) -> None:
        """Delete one pod, with its grace period."""
        metadata = pod["metadata"]
        answer = await self._api.delete(
            POD, metadata["name"], metadata["namespace"], uid=metadata["uid"], missing_ok=True
        )
        # A pod on a node is answered with itself, marked; one that was never placed is gone at once.
        if answer is not None and answer.get("kind") == "Pod" and is_deleting(answer):
            self._pods.note(answer)
        else:
            self._pods.note_deleted(pod)
        message = f"Deleted pod: {metadata['name']}"
        await self._events.record(self._kind, owner, "SuccessfulDelete", message)

    async def drop_finalizer(self, pod: Object, finalizer: str) -> None:
        """Take one finalizer off a pod. One that is gone meanwhile needs none."""
        kept = [item for item in pod["metadata"].get("finalizers") or () if item != finalizer]
        try:
            answer = await self.patch(pod, {"finalizers": kept or None})
        except ObjectNotFound:
            self._pods.note_deleted(pod)
            return
        if is_deleting(answer) and not kept and answer["metadata"].get("deletionGracePeriodSeconds") == 0:
            self._pods.note_deleted(answer)

    async def patch(self, pod: Object, metadata: Mapping[str, Any]) -> Object:
        """Change metadata. Raises Conflict when the pod is not as it was seen, ObjectNotFound when it is gone."""
        known = pod["metadata"]
        # The uid and version in the patch are preconditions: another pod of that name stays untouched.
        fixed = {"uid": known["uid"], "resourceVersion": known["resourceVersion"]}
        answer = await self._api.patch(POD, known["name"], {"metadata": {**metadata, **fixed}}, known["namespace"])
        self._pods.note(answer)
        return answer

    def _reference(self, owner: Object) -> Object:
        return owner_reference(self._kind, owner)
