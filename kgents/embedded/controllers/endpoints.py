"""Service → Endpoints and EndpointSlices: the ready pods behind a name, for the proxy and for whoever asks."""

from __future__ import annotations

from kgents.api.kinds import ENDPOINT_SLICE, ENDPOINTS
from kgents.embedded.controllers.cache import Cache, by_label
from kgents.embedded.controllers.endpoint_sets import (
    MANAGED_BY,
    MANAGER,
    SERVICE_LABEL,
    endpoints,
    has_selector,
    slices,
)
from kgents.embedded.controllers.objects import Key, Object, is_deleting, key_of, labels_of
from kgents.embedded.controllers.refusals import until_namespace_goes
from kgents.kube.client import KubeClient
from kgents.kube.errors import AlreadyExists
from kgents.kube.queue import Controller

_CONTENT = ("subsets", "endpoints", "ports", "addressType")


class ServiceEndpoints:
    """Keeps the endpoints of every Service that selects pods."""

    def __init__(self, api: KubeClient, services: Cache, pods: Cache, lists: Cache, parts: Cache) -> None:
        self._api = api
        self._services = services
        self._pods = pods
        self._lists = lists
        self._parts = parts
        self.controller: Controller[Key] = Controller("endpoints", until_namespace_goes(self.reconcile))
        services.informer.on_change(lambda _, obj: self.controller.enqueue(key_of(obj)))
        pods.informer.on_added(self._pod_changed)
        pods.informer.on_deleted(self._pod_changed)
        pods.informer.on_updated(self._pod_updated)
        lists.informer.on_change(lambda _, obj: self.controller.enqueue(key_of(obj)))
        parts.informer.on_change(self._part_changed)

    def _pod_updated(self, old: Object, new: Object) -> None:
        if labels_of(old) != labels_of(new):
            self._pod_changed(old)
        self._pod_changed(new)

    def _pod_changed(self, pod: Object) -> None:
        labels = labels_of(pod).items()
        for value in by_label(pod):
            for service in self._services.indexed(value):
                if has_selector(service) and service["spec"]["selector"].items() <= labels:
                    self.controller.enqueue(key_of(service))

    def _part_changed(self, event: str, part: Object) -> None:
        name = labels_of(part).get(SERVICE_LABEL)
        if name:
            self.controller.enqueue((part["metadata"]["namespace"], name))

    async def reconcile(self, key: Key) -> float | None:
        """Make the endpoints of one Service true."""
        service = self._services.get(*key)
        # What belongs to a Service that is gone goes by its owner reference.
        if service is None or is_deleting(service) or not has_selector(service):
            return None
        pods = self._candidates(service)
        await self._ensure(self._lists, endpoints(service, pods))
        wanted = slices(service, pods)
        for part in wanted:
            await self._ensure(self._parts, part)
        names = {part["metadata"]["name"] for part in wanted}
        uid = service["metadata"]["uid"]
        for part in self._parts.owned_by(uid):
            ours = labels_of(part).get(MANAGED_BY) == MANAGER
            if ours and part["metadata"]["name"] not in names and not is_deleting(part):
                metadata = part["metadata"]
                await self._api.delete(ENDPOINT_SLICE, metadata["name"], key[0], uid=metadata["uid"], missing_ok=True)
                self._parts.note_deleted(part)
        return None

    def _candidates(self, service: Object) -> list[Object]:
        """Pods that have the rarest of the labels that the Service wants."""
        namespace = service["metadata"]["namespace"]
        values = [("label", namespace, label) for label in service["spec"]["selector"].items()]
        return self._pods.indexed(min(values, key=self._pods.count))

    async def _ensure(self, cache: Cache, wanted: Object) -> None:
        kind = ENDPOINTS if wanted["kind"] == ENDPOINTS.kind else ENDPOINT_SLICE
        namespace, name = key_of(wanted)
        known = cache.get(namespace, name)
        if known is None:
            try:
                cache.note(await self._api.create(kind, wanted))
                return
            except AlreadyExists:
                # The mirror is behind, or somebody made it first: either way the live one is brought in line.
                known = await self._api.get(kind, name, namespace)
        if _same(known, wanted):
            return
        metadata = {**known["metadata"], **wanted["metadata"]}
        cache.note(await self._api.replace(kind, {**wanted, "metadata": metadata}))


def _same(known: Object, wanted: Object) -> bool:
    content = all((known.get(key) or []) == (wanted.get(key) or []) for key in _CONTENT)
    owners = known["metadata"].get("ownerReferences") == wanted["metadata"]["ownerReferences"]
    return content and owners and wanted["metadata"]["labels"].items() <= labels_of(known).items()
