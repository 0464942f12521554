"""ReplicaSet → Pods: as many as wanted, no matter what happens to them."""

from __future__ import annotations

from datetime import UTC, datetime

from kgents.api.errors import KgentsError
from kgents.api.kinds import REPLICA_SET
from kgents.embedded.controllers.cache import Cache
from kgents.embedded.controllers.events import Recorder
from kgents.embedded.controllers.objects import Key, Object, key_of
from kgents.embedded.controllers.pod_control import PodControl, from_template
from kgents.embedded.controllers.refusals import is_terminating, until_namespace_goes
from kgents.embedded.controllers.replicas import Plan, plan, status
from kgents.kube.client import KubeClient
from kgents.kube.errors import ObjectNotFound
from kgents.kube.queue import Controller


class ReplicaSets:
    """Keeps the pods of every ReplicaSet."""

    def __init__(self, api: KubeClient, replica_sets: Cache, pods: Cache) -> None:
        self._api = api
        self._sets = replica_sets
        self._pods = pods
        self._control = PodControl(api, REPLICA_SET, pods, Recorder(api, "replicaset-controller"))
        self.controller: Controller[Key] = Controller("replicaset", until_namespace_goes(self.reconcile))
        replica_sets.informer.on_change(lambda _, obj: self.controller.enqueue(key_of(obj)))
        self._control.follow(replica_sets, self.controller)

    async def reconcile(self, key: Key) -> float | None:
        """Make the pods of one ReplicaSet as it wants them. Returns seconds until its status changes by itself."""
        replica_set = self._sets.get(*key)
        if replica_set is None:
            return None
        steps = plan(replica_set, self._candidates(replica_set), datetime.now(UTC))
        if steps.adopt and not await self._control.still_there(replica_set):
            return None
        failure: KgentsError | None = None
        try:
            await self._act(replica_set, steps)
        except KgentsError as error:
            failure = error
        text = str(failure.what) if failure and not is_terminating(failure) else ""
        again = await self._report(replica_set, self._control.of(replica_set), text)
        if failure is not None:
            raise failure
        return again

    def _candidates(self, replica_set: Object) -> list[Object]:
        """Own pods, and those without a controller that the selector may take."""
        own = self._pods.owned_by(replica_set["metadata"]["uid"])
        return [*own, *self._pods.orphans(replica_set["metadata"]["namespace"])]

    async def _act(self, replica_set: Object, steps: Plan) -> None:
        for pod in steps.adopt:
            await self._control.adopt(replica_set, pod)
        for pod in steps.release:
            await self._control.release(replica_set, pod)
        template = replica_set["spec"].get("template") or {}
        wanted = [from_template(template, REPLICA_SET, replica_set) for _ in range(steps.create)]
        await self._control.create_all(replica_set, wanted)
        await self._control.delete_all(replica_set, steps.delete)

    async def _report(self, replica_set: Object, pods: list[Object], failure: str) -> float | None:
        wanted, again = status(replica_set, pods, failure, datetime.now(UTC))
        if wanted != (replica_set.get("status") or {}):
            changed = {**replica_set, "status": wanted}
            try:
                answer = await self._api.replace(REPLICA_SET, changed, subresource="status")
            except ObjectNotFound:
                return None
            self._sets.note(answer)
        return again
