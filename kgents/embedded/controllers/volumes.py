"""Claims of the hive's own class are bound at once: a claim is a folder that the runtime makes when a pod mounts it."""

from __future__ import annotations

from kgents.api.kinds import PERSISTENT_VOLUME_CLAIM
from kgents.embedded.controllers.cache import Cache
from kgents.embedded.controllers.objects import Key, is_deleting, key_of
from kgents.kube.client import KubeClient
from kgents.kube.queue import Controller

STORAGE_CLASS = "kgents-local"


class Claims:
    """Binds claims that name no storage class, or the hive's own."""

    def __init__(self, api: KubeClient, claims: Cache) -> None:
        self._api = api
        self._claims = claims
        self.controller: Controller[Key] = Controller("persistentvolumeclaim", self.reconcile)
        claims.informer.on_change(lambda _, obj: self.controller.enqueue(key_of(obj)))

    async def reconcile(self, key: Key) -> None:
        """Bind one claim; a bound one whose request grew gets the larger capacity."""
        claim = self._claims.get(*key)
        if claim is None or is_deleting(claim):
            return
        spec = claim.get("spec") or {}
        if spec.get("storageClassName") not in (None, STORAGE_CLASS):
            return
        status = {
            "phase": "Bound",
            "accessModes": list(spec.get("accessModes") or ()),
            "capacity": dict((spec.get("resources") or {}).get("requests") or {}),
        }
        known = claim.get("status") or {}
        if any(known.get(name) != value for name, value in status.items()):
            patch = {"status": status}
            answer = await self._api.patch(PERSISTENT_VOLUME_CLAIM, key[1], patch, key[0], subresource="status")
            self._claims.note(answer)
