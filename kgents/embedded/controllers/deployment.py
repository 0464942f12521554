"""Deployment → ReplicaSets: one for each revision, rolled from one to the next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from kgents.api.kinds import DEPLOYMENT, REPLICA_SET
from kgents.embedded.controllers.cache import Cache
from kgents.embedded.controllers.events import Recorder
from kgents.embedded.controllers.objects import (
    Key,
    Object,
    annotations_of,
    controller_of,
    is_deleting,
    labels_of,
    owner_reference,
    selects,
)
from kgents.embedded.controllers.refusals import until_namespace_goes
from kgents.embedded.controllers.replicas import is_finished, wanted
from kgents.embedded.controllers.rollout import REVISION, Rollout, find_new, plan_rollout, template_of
from kgents.embedded.controllers.rollout_status import rollout_status, seconds_to_deadline
from kgents.kube.client import KubeClient
from kgents.kube.errors import AlreadyExists, ObjectNotFound
from kgents.kube.queue import Controller


class Deployments:
    """Rolls every Deployment out."""

    def __init__(self, api: KubeClient, deployments: Cache, replica_sets: Cache, pods: Cache) -> None:
        self._api = api
        self._deployments = deployments
        self._sets = replica_sets
        self._pods = pods
        self._events = Recorder(api, "deployment-controller")
        self.controller: Controller[Key] = Controller("deployment", until_namespace_goes(self.reconcile))
        deployments.informer.on_change(lambda _, obj: self._look(obj))
        replica_sets.informer.on_change(self._set_changed)
        pods.informer.on_deleted(self._pod_deleted)
        pods.informer.on_updated(self._pod_updated)

    def _look(self, deployment: Object) -> None:
        self.controller.enqueue((deployment["metadata"]["namespace"], deployment["metadata"]["name"]))

    def _set_changed(self, event: str, replica_set: Object) -> None:
        namespace = replica_set["metadata"]["namespace"]
        owner = controller_of(replica_set)
        if owner is not None:
            if owner["kind"] == DEPLOYMENT.kind:
                self.controller.enqueue((namespace, owner["name"]))
        elif event != "DELETED":
            for candidate in self._deployments.in_namespace(namespace):
                if selects(candidate["spec"].get("selector"), labels_of(replica_set)):
                    self._look(candidate)

    def _pod_updated(self, old: Object, new: Object) -> None:
        """A rollout may have come to stand because an old pod holds the new one's port."""
        if port_in_use(new) != port_in_use(old):
            self._pod_deleted(new)

    def _pod_deleted(self, pod: Object) -> None:
        """A Recreate waits for the last pod of the old revision."""
        owner = controller_of(pod)
        replica_set = self._sets.get(pod["metadata"]["namespace"], owner["name"]) if owner is not None else None
        if replica_set is not None:
            self._set_changed("MODIFIED", replica_set)

    def _lingering(self, owned: list[Object]) -> set[str]:
        """ReplicaSets with pods that have not ended."""
        return {
            item["metadata"]["uid"]
            for item in owned
            if any(not is_finished(pod) for pod in self._pods.owned_by(item["metadata"]["uid"]))
        }

    def _in_the_way(self, deployment: Object, owned: list[Object]) -> bool:
        """Whether a pod of the new revision waits for a port that one of an old revision holds.

        The hive's node says so, where programs listen on all addresses of one machine; other nodes never do.
        """
        new = find_new(deployment, owned)
        if new is None:
            return False
        others = [item for item in owned if item is not new]
        holders = [pod["metadata"]["name"] for item in others for pod in self._pods.owned_by(item["metadata"]["uid"])]
        said = [port_in_use(pod) for pod in self._pods.owned_by(new["metadata"]["uid"])]
        return any(holder in words for holder in holders for words in said)

    async def reconcile(self, key: Key) -> float | None:
        """Take one Deployment a step further. Returns seconds until its deadline, while something is under way."""
        deployment = self._deployments.get(*key)
        if deployment is None:
            return None
        owned = await self._replica_sets(deployment)
        if is_deleting(deployment):
            await self._report(deployment, owned)
            return None
        steps = plan_rollout(deployment, owned, self._lingering(owned), in_the_way=self._in_the_way(deployment, owned))
        collisions = 0
        made = None
        if steps.create is not None:
            made, collisions = await self._create(deployment, steps.create)
        await self._resize(deployment, steps)
        for item in steps.delete:
            await self._delete(item)
        if steps.revision and annotations_of(deployment).get(REVISION) != steps.revision:
            patch = {"metadata": {"annotations": {REVISION: steps.revision}}}
            deployment = await self._api.patch(DEPLOYMENT, key[1], patch, key[0])
            self._deployments.note(deployment)
        return await self._report(deployment, self._owned(deployment), created=made is not None, collisions=collisions)

    def _owned(self, deployment: Object) -> list[Object]:
        uid = deployment["metadata"]["uid"]
        return [item for item in self._sets.owned_by(uid) if _is_controlled_by(item, uid)]

    async def _replica_sets(self, deployment: Object) -> list[Object]:
        """Own ReplicaSets, after taking in those without a controller that the selector takes."""
        selector, namespace = deployment["spec"].get("selector"), deployment["metadata"]["namespace"]
        orphans = [
            item
            for item in self._sets.orphans(namespace)
            if selects(selector, labels_of(item)) and not is_deleting(item)
        ]
        if orphans and not is_deleting(deployment) and await self._still_there(deployment):
            for item in orphans:
                await self._adopt(deployment, item)
        return self._owned(deployment)

    async def _still_there(self, deployment: Object) -> bool:
        metadata = deployment["metadata"]
        try:
            live = await self._api.get(DEPLOYMENT, metadata["name"], metadata["namespace"])
        except ObjectNotFound:
            return False
        return live["metadata"]["uid"] == metadata["uid"] and not is_deleting(live)

    async def _adopt(self, deployment: Object, replica_set: Object) -> None:
        metadata = replica_set["metadata"]
        owners = [*(metadata.get("ownerReferences") or ()), owner_reference(DEPLOYMENT, deployment)]
        patch = {
            "metadata": {
                "uid": metadata["uid"],
                "resourceVersion": metadata["resourceVersion"],
                "ownerReferences": owners,
            }
        }
        self._sets.note(await self._api.patch(REPLICA_SET, metadata["name"], patch, metadata["namespace"]))

    async def _create(self, deployment: Object, replica_set: Object) -> tuple[Object | None, int]:
        """The new ReplicaSet, or None and a collision count when its name is taken by another template."""
        namespace, name = replica_set["metadata"]["namespace"], replica_set["metadata"]["name"]
        try:
            made = await self._api.create(REPLICA_SET, replica_set)
        except AlreadyExists:
            made = await self._api.get(REPLICA_SET, name, namespace)
            if not _is_controlled_by(made, deployment["metadata"]["uid"]) or template_of(made) != template_of(
                deployment
            ):
                return None, ((deployment.get("status") or {}).get("collisionCount") or 0) + 1
        self._sets.note(made)
        if wanted(made):
            message = f"Scaled up replica set {name} from 0 to {wanted(made)}"
            await self._events.record(DEPLOYMENT, deployment, "ScalingReplicaSet", message)
        return made, 0

    async def _resize(self, deployment: Object, steps: Rollout) -> None:
        """Write sizes and annotations, one patch for each ReplicaSet."""
        sizes = {item["metadata"]["uid"]: (item, size) for item, size in steps.scale}
        notes = {item["metadata"]["uid"]: (item, annotations) for item, annotations in steps.annotate}
        for uid in dict.fromkeys([*sizes, *notes]):
            item = sizes[uid][0] if uid in sizes else notes[uid][0]
            size = sizes[uid][1] if uid in sizes else None
            await self._patch(item, size, notes[uid][1] if uid in notes else {})
            if size is not None:
                verb = "up" if size > wanted(item) else "down"
                message = f"Scaled {verb} replica set {item['metadata']['name']} from {wanted(item)} to {size}"
                await self._events.record(DEPLOYMENT, deployment, "ScalingReplicaSet", message)

    async def _patch(self, item: Object, size: int | None, notes: Mapping[str, str]) -> None:
        metadata: Object = {"resourceVersion": item["metadata"]["resourceVersion"]}
        if notes:
            metadata["annotations"] = dict(notes)
        patch: Object = {"metadata": metadata}
        if size is not None:
            patch["spec"] = {"replicas": size}
        namespace, name = item["metadata"]["namespace"], item["metadata"]["name"]
        self._sets.note(await self._api.patch(REPLICA_SET, name, patch, namespace))

    async def _delete(self, item: Object) -> None:
        metadata = item["metadata"]
        await self._api.delete(
            REPLICA_SET,
            metadata["name"],
            metadata["namespace"],
            uid=metadata["uid"],
            propagation="Background",
            missing_ok=True,
        )
        self._sets.note_deleted(item)

    async def _report(
        self, deployment: Object, owned: list[Object], *, created: bool = False, collisions: int = 0
    ) -> float | None:
        now = datetime.now(UTC)
        new = find_new(deployment, owned)
        report = rollout_status(deployment, new, owned, now, created=created, collisions=collisions)
        if report != (deployment.get("status") or {}):
            try:
                answer = await self._api.replace(DEPLOYMENT, {**deployment, "status": report}, subresource="status")
            except ObjectNotFound:
                return None
            self._deployments.note(answer)
        return seconds_to_deadline(deployment, report, now)


def _is_controlled_by(item: Object, uid: str) -> bool:
    owner = controller_of(item)
    return owner is not None and owner["uid"] == uid


def port_in_use(pod: Object) -> str:
    """Who holds the port that a pod wants, in the node's words; "" when nobody does."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return next((c.get("message", "") for c in conditions if c["type"] == "PortInUse" and c["status"] == "True"), "")
