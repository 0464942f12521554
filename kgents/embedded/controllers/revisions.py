"""The history of a pod template, as ControllerRevisions: what StatefulSets and DaemonSets roll between, and back to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from kgents.api.kinds import CONTROLLER_REVISION, Kind
from kgents.embedded.controllers.cache import Cache
from kgents.embedded.controllers.objects import (
    Object,
    annotations_of,
    controller_of,
    labels_of,
    owner_reference,
    safe_hash,
    without_nulls,
)
from kgents.kube.client import KubeClient
from kgents.kube.errors import AlreadyExists

HASH = "controller.kubernetes.io/hash"
POD_HASH = "controller-revision-hash"
_NOT_COPIED = ("kubectl.kubernetes.io/last-applied-configuration", "deprecated.daemonset.template.generation")


class Revisions:
    """Writes the revisions of one kind of owner."""

    def __init__(self, api: KubeClient, kind: Kind, cache: Cache) -> None:
        self._api = api
        self._kind = kind
        self._cache = cache

    def of(self, owner: Mapping[str, Any]) -> list[Object]:
        """The owner's revisions, the oldest first."""
        uid = owner["metadata"]["uid"]
        owned = [one for one in self._cache.owned_by(uid) if (controller_of(one) or {}).get("uid") == uid]
        return sorted(owned, key=lambda one: (int(one.get("revision") or 0), str(one["metadata"]["name"])))

    async def current(self, owner: Mapping[str, Any]) -> Object:
        """The revision of the present template, made or made the newest where it is not."""
        known = self.of(owner)
        data = data_of(owner)
        newest = int(known[-1].get("revision") or 0) if known else 0
        same = next((one for one in reversed(known) if without_nulls(one.get("data")) == data), None)
        if same is not None:
            if int(same.get("revision") or 0) == newest:
                return same
            meta = same["metadata"]
            answer = await self._api.patch(
                CONTROLLER_REVISION, meta["name"], {"revision": newest + 1}, meta["namespace"]
            )
            self._cache.note(answer)
            return answer
        return await self._create(owner, data, newest + 1)

    async def _create(self, owner: Mapping[str, Any], data: Object, number: int) -> Object:
        template = owner["spec"].get("template") or {}
        notes = {key: value for key, value in annotations_of(owner).items() if key not in _NOT_COPIED}
        for attempt in range(16):
            digest = safe_hash([data, attempt] if attempt else data)
            labels = {**((template.get("metadata") or {}).get("labels") or {}), HASH: digest, POD_HASH: digest}
            revision: Object = {
                "apiVersion": CONTROLLER_REVISION.api_version,
                "kind": CONTROLLER_REVISION.kind,
                "metadata": {
                    "name": f"{owner['metadata']['name']}-{digest}",
                    "namespace": owner["metadata"]["namespace"],
                    "labels": labels,
                    "annotations": notes,
                    "ownerReferences": [owner_reference(self._kind, owner)],
                },
                "data": data,
                "revision": number,
            }
            try:
                made = await self._api.create(CONTROLLER_REVISION, revision)
            except AlreadyExists as error:
                meta = revision["metadata"]
                made = await self._api.get(CONTROLLER_REVISION, meta["name"], meta["namespace"])
                owned = (controller_of(made) or {}).get("uid") == owner["metadata"]["uid"]
                if not owned or without_nulls(made.get("data")) != data:
                    if attempt == 15:
                        raise error
                    continue
            self._cache.note(made)
            return made
        raise AssertionError("unreachable")

    async def truncate(self, owner: Mapping[str, Any], live: Collection[str]) -> None:
        """Drop the oldest beyond the limit, of those that nothing runs from. `live` are names."""
        limit = owner["spec"].get("revisionHistoryLimit")
        idle = [one for one in self.of(owner) if one["metadata"]["name"] not in live]
        for one in idle[: max(0, len(idle) - (10 if limit is None else int(limit)))]:
            meta = one["metadata"]
            await self._api.delete(
                CONTROLLER_REVISION, meta["name"], meta["namespace"], uid=meta["uid"], missing_ok=True
            )
            self._cache.note_deleted(one)


def data_of(owner: Mapping[str, Any]) -> Object:
    """What a revision keeps: the patch that brings this template back."""
    template: Object = without_nulls(owner["spec"].get("template") or {})
    metadata = {key: value for key, value in (template.get("metadata") or {}).items() if key != "creationTimestamp"}
    return {"spec": {"template": {**template, "metadata": metadata, "$patch": "replace"}}}


def template_in(revision: Mapping[str, Any]) -> Object:
    """The pod template that a revision keeps."""
    template: Object = ((revision.get("data") or {}).get("spec") or {}).get("template") or {}
    return {key: value for key, value in template.items() if key != "$patch"}


def hash_of(revision: Mapping[str, Any]) -> str:
    """The hash in a revision's name."""
    return labels_of(revision).get(HASH) or str(revision["metadata"]["name"]).rpartition("-")[2]
