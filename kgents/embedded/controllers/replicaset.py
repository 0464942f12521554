"""ReplicaSet → Pods: as many as wanted, no matter what happens to them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from kgents.api.errors import KgentsError
from kgents.api.kinds import POD, REPLICA_SET
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
from kgents.embedded.controllers.refusals import is_terminating, until_namespace_goes
from kgents.embedded.controllers.replicas import Plan, plan, pod_for, status
from kgents.kube.client import KubeClient
from kgents.kube.errors import ObjectNotFound
from kgents.kube.queue import Controller


class ReplicaSets:
    """Keeps the pods of every ReplicaSet."""

    def __init__(self, api: KubeClient, replica_sets: Cache, pods: Cache) -> None:
        self._api = api
        self._sets = replica_sets
        self._pods = pods
        self._events = Recorder(api, "replicaset-controller")
        self.controller: Controller[Key] = Controller("replicaset", until_namespace_goes(self.reconcile))
        replica_sets.informer.on_change(lambda _, obj: self._look(obj["metadata"]))
        pods.informer.on_change(self._pod_changed)

    def _look(self, metadata: dict[str, Any]) -> None:
        self.controller.enqueue((metadata["namespace"], metadata["name"]))

    def _pod_changed(self, event: str, pod: Object) -> None:
        namespace = pod["metadata"]["namespace"]
        owner = controller_of(pod)
        if owner is not None:
            if owner["kind"] == REPLICA_SET.kind:
                self.controller.enqueue((namespace, owner["name"]))
        elif event != "DELETED":
            for candidate in self._sets.in_namespace(namespace):
                if selects(candidate["spec"].get("selector"), labels_of(pod)):
                    self._look(candidate["metadata"])

    async def reconcile(self, key: Key) -> float | None:
        """Make the pods of one ReplicaSet as it wants them. Returns seconds until its status changes by itself."""
        replica_set = self._sets.get(*key)
        if replica_set is None:
            return None
        uid = replica_set["metadata"]["uid"]
        steps = plan(replica_set, self._candidates(replica_set), datetime.now(UTC))
        if steps.adopt and not await self._still_there(replica_set):
            return None
        failure: KgentsError | None = None
        try:
            await self._act(replica_set, steps)
        except KgentsError as error:
            failure = error
        again = await self._report(
            replica_set, self._pods.owned_by(uid), str(failure.what) if failure and not is_terminating(failure) else ""
        )
        if failure is not None:
            raise failure
        return again

    def _candidates(self, replica_set: Object) -> list[Object]:
        """Own pods, and those without a controller that the selector may take."""
        own = self._pods.owned_by(replica_set["metadata"]["uid"])
        return [*own, *self._pods.orphans(replica_set["metadata"]["namespace"])]

    async def _still_there(self, replica_set: Object) -> bool:
        """Adoption asks the server: a cached ReplicaSet may be one that is being deleted."""
        metadata = replica_set["metadata"]
        try:
            live = await self._api.get(REPLICA_SET, metadata["name"], metadata["namespace"])
        except ObjectNotFound:
            return False
        return live["metadata"]["uid"] == metadata["uid"] and not is_deleting(live)

    async def _act(self, replica_set: Object, steps: Plan) -> None:
        for pod in steps.adopt:
            await self._set_owners(pod, [owner_reference(REPLICA_SET, replica_set)])
        for pod in steps.release:
            uid = replica_set["metadata"]["uid"]
            owners = [item for item in pod["metadata"]["ownerReferences"] if item["uid"] != uid]
            await self._set_owners(pod, owners)
        await self._create(replica_set, steps.create)
        for pod in steps.delete:
            await self._delete(replica_set, pod)

    async def _create(self, replica_set: Object, count: int) -> None:
        """Create pods in batches of 1, 2, 4 …, so that a template that is refused is refused once."""
        batch, left = 1, count
        while left > 0:
            size = min(batch, left)
            results = await asyncio.gather(
                *(self._create_one(replica_set) for _ in range(size)), return_exceptions=True
            )
            failed = next((item for item in results if isinstance(item, BaseException)), None)
            if failed is not None:
                if isinstance(failed, KgentsError) and not is_terminating(failed):
                    message = f"Error creating: {failed.what}"
                    await self._events.record(REPLICA_SET, replica_set, "FailedCreate", message, warning=True)
                raise failed
            left -= size
            batch *= 2

    async def _create_one(self, replica_set: Object) -> None:
        pod = await self._api.create(POD, pod_for(replica_set))
        self._pods.note(pod)
        message = f"Created pod: {pod['metadata']['name']}"
        await self._events.record(REPLICA_SET, replica_set, "SuccessfulCreate", message)

    async def _delete(self, replica_set: Object, pod: Object) -> None:
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
        await self._events.record(REPLICA_SET, replica_set, "SuccessfulDelete", message)

    async def _set_owners(self, pod: Object, owners: list[Object]) -> None:
        metadata = pod["metadata"]
        # The uid and version in the patch are preconditions: another pod of that name stays untouched.
        patch = {
            "metadata": {
                "uid": metadata["uid"],
                "resourceVersion": metadata["resourceVersion"],
                "ownerReferences": owners or None,
            }
        }
        self._pods.note(await self._api.patch(POD, metadata["name"], patch, metadata["namespace"]))

    async def _report(self, replica_set: Object, pods: list[Object], failure: str) -> float | None:
        own = [pod for pod in pods if _belongs(pod, replica_set)]
        wanted, again = status(replica_set, own, failure, datetime.now(UTC))
        if wanted != (replica_set.get("status") or {}):
            changed = {**replica_set, "status": wanted}
            try:
                answer = await self._api.replace(REPLICA_SET, changed, subresource="status")
            except ObjectNotFound:
                return None
            self._sets.note(answer)
        return again


def _belongs(pod: Object, replica_set: Object) -> bool:
    owner = controller_of(pod)
    return owner is not None and owner["uid"] == replica_set["metadata"]["uid"]
