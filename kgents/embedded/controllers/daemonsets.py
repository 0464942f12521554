"""DaemonSet → one pod on each node that fits."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from kgents.api.kinds import DAEMON_SET
from kgents.embedded.controllers import daemon_plan
from kgents.embedded.controllers.cache import Cache
from kgents.embedded.controllers.events import Recorder
from kgents.embedded.controllers.objects import Key, Object, is_deleting, key_of, labels_of
from kgents.embedded.controllers.pod_control import PodControl
from kgents.embedded.controllers.refusals import until_namespace_goes
from kgents.embedded.controllers.replicas import is_finished
from kgents.embedded.controllers.revisions import POD_HASH, Revisions, hash_of
from kgents.kube.backoff import Backoff
from kgents.kube.client import KubeClient
from kgents.kube.errors import ObjectNotFound
from kgents.kube.queue import Controller

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 900.0


class DaemonSets:
    """Keeps the pods of every DaemonSet."""

    def __init__(self, api: KubeClient, daemons: Cache, pods: Cache, revisions: Cache, nodes: Cache) -> None:
        self._api = api
        self._daemons = daemons
        self._nodes = nodes
        self._events = Recorder(api, "daemonset-controller")
        self._control = PodControl(api, DAEMON_SET, pods, self._events)
        self._revisions = Revisions(api, DAEMON_SET, revisions)
        self._pauses: dict[Key, tuple[Backoff, float]] = {}
        self.controller: Controller[Key] = Controller("daemonset", until_namespace_goes(self.reconcile))
        daemons.informer.on_change(lambda _, obj: self.controller.enqueue(key_of(obj)))
        nodes.informer.on_added(lambda _: self._look_at_all())
        nodes.informer.on_deleted(lambda _: self._look_at_all())
        nodes.informer.on_updated(self._node_updated)
        self._control.follow(daemons, self.controller)

    def _look_at_all(self) -> None:
        for daemon in self._daemons:
            self.controller.enqueue(key_of(daemon))

    def _node_updated(self, old: Object, new: Object) -> None:
        if labels_of(old) != labels_of(new) or (old.get("spec") or {}) != (new.get("spec") or {}):
            self._look_at_all()

    async def reconcile(self, key: Key) -> float | None:
        """Make the pods of one DaemonSet so. Returns seconds until time alone changes something."""
        daemon = self._daemons.get(*key)
        if daemon is None or is_deleting(daemon):
            self._pauses.pop(key, None)
            return None
        now, nodes = datetime.now(UTC), list(self._nodes)
        pods = await self._control.claim(daemon)
        newest = await self._revisions.current(daemon)
        update = hash_of(newest)
        steps = daemon_plan.plan(daemon, pods, nodes, update, now)
        await self._control.create_all(daemon, [daemon_plan.new_pod(daemon, node, update) for node in steps.create])
        again = await self._delete(key, daemon, steps.delete)
        pods = self._control.of(daemon)
        await self._report(daemon, daemon_plan.status(daemon, pods, nodes, update, now))
        live = {f"{key[1]}-{labels_of(pod).get(POD_HASH)}" for pod in pods} | {newest["metadata"]["name"]}
        await self._revisions.truncate(daemon, live)
        young = daemon["spec"].get("minReadySeconds") and not all(
            daemon_plan.is_available(daemon, pod, now) for pod in pods
        )
        return 1.0 if young else again

    async def _delete(self, key: Key, daemon: Object, pods: list[Object]) -> float | None:
        """End pods. One that failed is replaced after a pause that grows while that goes on."""
        failed = [pod for pod in pods if is_finished(pod) and not is_deleting(pod)]
        await self._control.delete_all(daemon, [pod for pod in pods if pod not in failed])
        if not failed:
            return None
        pauses, due = self._pauses.get(key, (Backoff(_FIRST_PAUSE, _LONGEST_PAUSE), 0.0))
        if due > time.monotonic():
            return due - time.monotonic()
        self._pauses[key] = (pauses, time.monotonic() + pauses.next())
        for pod in failed:
            node = (pod.get("spec") or {}).get("nodeName", "")
            message = f"Found failed daemon pod {key[0]}/{pod['metadata']['name']} on node {node}, will try to kill it"
            await self._events.record(DAEMON_SET, daemon, "FailedDaemonPod", message, warning=True)
        await self._control.delete_all(daemon, failed)
        return None

    async def _report(self, daemon: Object, status: Object) -> None:
        if status == (daemon.get("status") or {}):
            return
        try:
            answer = await self._api.replace(DAEMON_SET, {**daemon, "status": status}, subresource="status")
        except ObjectNotFound:
            return
        self._daemons.note(answer)
