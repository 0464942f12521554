"""StatefulSet → Pods with names and claims that last."""

from __future__ import annotations

from datetime import UTC, datetime

from kgents.api.kinds import PERSISTENT_VOLUME_CLAIM, POD, STATEFUL_SET
from kgents.embedded.controllers import stateful_plan
from kgents.embedded.controllers.cache import Cache
from kgents.embedded.controllers.events import Recorder
from kgents.embedded.controllers.objects import Key, Object, is_deleting, key_of, labels_of, owner_reference
from kgents.embedded.controllers.pod_control import PodControl
from kgents.embedded.controllers.refusals import until_namespace_goes
from kgents.embedded.controllers.revisions import POD_HASH, Revisions, template_in
from kgents.kube.client import KubeClient
from kgents.kube.errors import AlreadyExists, ObjectNotFound
from kgents.kube.queue import Controller


class StatefulSets:
    """Keeps the pods of every StatefulSet."""

    def __init__(self, api: KubeClient, workloads: Cache, pods: Cache, revisions: Cache, claims: Cache) -> None:
        self._api = api
        self._workloads = workloads
        self._claims = claims
        self._control = PodControl(api, STATEFUL_SET, pods, Recorder(api, "statefulset-controller"))
        self._revisions = Revisions(api, STATEFUL_SET, revisions)
        self.controller: Controller[Key] = Controller("statefulset", until_namespace_goes(self.reconcile))
        workloads.informer.on_change(lambda _, obj: self.controller.enqueue(key_of(obj)))
        self._control.follow(workloads, self.controller)

    async def reconcile(self, key: Key) -> float | None:
        """Take one StatefulSet a step further. Returns seconds until time alone changes something."""
        workload = self._workloads.get(*key)
        if workload is None or is_deleting(workload):
            return None
        now = datetime.now(UTC)
        pods = await self._control.claim(workload)
        newest = await self._revisions.current(workload)
        update = newest["metadata"]["name"]
        current = (workload.get("status") or {}).get("currentRevision") or update
        by_name = {one["metadata"]["name"]: one for one in self._revisions.of(workload)}
        # The one it was rolling from may have been deleted by hand.
        old = by_name.get(current, newest)
        steps = stateful_plan.plan(workload, pods, update, now)
        for ordinal, is_new in steps.create:
            revision = newest if is_new else old
            await self._claim_storage(workload, ordinal)
            await self._make(workload, revision, ordinal)
        for pod in steps.delete:
            await self._give_up_storage(workload, pod)
        await self._control.delete_all(workload, steps.delete)
        pods = self._control.of(workload)
        await self._report(workload, stateful_plan.status(workload, pods, old["metadata"]["name"], update, now))
        live = {labels_of(pod).get(POD_HASH, "") for pod in pods} | {update, old["metadata"]["name"]}
        await self._revisions.truncate(workload, live)
        waiting = workload["spec"].get("minReadySeconds") and not all(
            stateful_plan.is_healthy(workload, pod, now) for pod in pods
        )
        return 1.0 if waiting else None

    async def _make(self, workload: Object, revision: Object, ordinal: int) -> None:
        pod = stateful_plan.new_pod(workload, template_in(revision), revision["metadata"]["name"], ordinal)
        await self._control.create(workload, pod)

    async def _claim_storage(self, workload: Object, ordinal: int) -> None:
        """Each pod's own claims; those that are there, from an earlier life of the pod, are used again."""
        policy = workload["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
        namespace = workload["metadata"]["namespace"]
        for template in stateful_plan.claim_templates(workload):
            name = stateful_plan.claim_name(workload, template, ordinal)
            if self._claims.get(namespace, name) is not None:
                continue
            metadata = template.get("metadata") or {}
            labels = {**(metadata.get("labels") or {}), **(workload["spec"]["selector"].get("matchLabels") or {})}
            claim: Object = {
                "metadata": {
                    "name": name,
                    "namespace": namespace,
                    "labels": labels,
                    "annotations": dict(metadata.get("annotations") or {}),
                },
                "spec": template.get("spec") or {},
            }
            if policy.get("whenDeleted") == "Delete":
                claim["metadata"]["ownerReferences"] = [owner_reference(STATEFUL_SET, workload)]
            try:
                self._claims.note(await self._api.create(PERSISTENT_VOLUME_CLAIM, claim))
            except AlreadyExists:
                continue

    async def _give_up_storage(self, workload: Object, pod: Object) -> None:
        """With `whenScaled: Delete` the claims of a pod that is one too many go with it, by garbage collection."""
        policy = workload["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
        ordinal = stateful_plan.ordinal_of(pod, workload["metadata"]["name"])
        if policy.get("whenScaled") != "Delete" or ordinal is None or not stateful_plan.is_out(workload, ordinal):
            return
        namespace = workload["metadata"]["namespace"]
        for template in stateful_plan.claim_templates(workload):
            claim = self._claims.get(namespace, stateful_plan.claim_name(workload, template, ordinal))
            if claim is not None:
                owner = {**owner_reference(POD, pod), "controller": False, "blockOwnerDeletion": False}
                fixed = {"uid": claim["metadata"]["uid"], "ownerReferences": [owner]}
                patch = {"metadata": fixed}
                answer = await self._api.patch(PERSISTENT_VOLUME_CLAIM, claim["metadata"]["name"], patch, namespace)
                self._claims.note(answer)

    async def _report(self, workload: Object, status: Object) -> None:
        if status == (workload.get("status") or {}):
            return
        try:
            answer = await self._api.replace(STATEFUL_SET, {**workload, "status": status}, subresource="status")
        except ObjectNotFound:
            return
        self._workloads.note(answer)
