"""Makes children as they should be by server-side apply, and knows when there is nothing to do.

What was applied is remembered by two digests: of what was wanted, and of what the API server made of it. As long as
both still hold there is no request at all. After a restart everything is applied once more; the API server sees that
nothing changed and writes nothing. An object of the right name that somebody else made is left alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kgents.api import adopting
from kgents.api.kinds import AGENT, FIELD_MANAGER, Kind
from kgents.kube.client import KubeClient
from kgents.kube.errors import Forbidden, Invalid, ObjectNotFound
from kgents.kube.informer import Informer
from operators.agent import meta
from operators.agent.paths import REACTION_PREFIX
from operators.agent.phase import Blocker

Object = dict[str, Any]

RETAINED = ("Memory", "PersistentVolumeClaim")
_VOLATILE = ("resourceVersion", "generation", "managedFields", "creationTimestamp", "annotations", "selfLink")


@dataclass(frozen=True, slots=True)
class _Done:
    wanted: str
    made: str
    version_before: str | None


class Applier:
    """Applies children, each compared with its informer's copy first."""

    def __init__(self, api: KubeClient, informers: Mapping[str, Informer]) -> None:
        self._api = api
        self._informers = informers
        self._done: dict[tuple[str, str, str], _Done] = {}

    async def ensure(self, agent: Mapping[str, Any], kind: Kind, wanted: Object) -> Blocker | None:
        """Make the child as `wanted`, unless it is. A Blocker says why it cannot be made; other errors are raised."""
        namespace, name = wanted["metadata"]["namespace"], wanted["metadata"]["name"]
        key = (kind.kind, namespace, name)
        live = self._informers[kind.kind].get(namespace, name)
        done, digest = self._done.get(key), _digest(wanted)
        if live is not None and done is not None and done.wanted == digest and _belongs(agent, live, wanted):
            unseen = live["metadata"].get("resourceVersion") == done.version_before
            if unseen or fingerprint(live) == done.made:
                return None
        if live is None or not _belongs(agent, live, wanted):
            live = await self._fetch(kind, namespace, name)
            if live is not None and not _belongs(agent, live, wanted):
                return _taken(agent, kind, live)
        try:
            made = await self._api.apply(kind, wanted, namespace)
        except (Invalid, Forbidden) as error:
            return Blocker("ChildRefused", f"the API server refuses its {kind.kind}: {error.what[:1000]}")
        before = live["metadata"].get("resourceVersion") if live is not None else None
        self._done[key] = _Done(digest, fingerprint(made), before)
        return None

    async def prune(self, agent: Mapping[str, Any], kind: Kind, name: str = "") -> None:
        """Delete the agent's child of that kind, if it has one of its own name, or called `name`."""
        namespace, name = agent["metadata"]["namespace"], name or agent["metadata"]["name"]
        live = self._informers[kind.kind].get(namespace, name)
        self._done.pop((kind.kind, namespace, name), None)
        if live is not None and _is_mine(agent, live) and not live["metadata"].get("deletionTimestamp"):
            uid = live["metadata"]["uid"]
            await self._api.delete(kind, name, namespace, uid=uid, propagation="Background", missing_ok=True)

    def forget(self, namespace: str, name: str) -> None:
        """The agent is gone."""
        for kind in self._informers:
            self._done.pop((kind, namespace, name), None)

    async def _fetch(self, kind: Kind, namespace: str, name: str) -> Object | None:
        try:
            return await self._api.get(kind, name, namespace)
        except ObjectNotFound:
            return None


def fingerprint(obj: Mapping[str, Any]) -> str:
    """A digest of what can drift: all but status, bookkeeping and what other parts of the operators write."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _VOLATILE}
    body = {key: value for key, value in obj.items() if key not in ("metadata", "status", "kind", "apiVersion")}
    if obj.get("kind") == "ConfigMap" or "data" in body:
        data = body.get("data") or {}
        body["data"] = {key: value for key, value in data.items() if not key.startswith(REACTION_PREFIX)}
    return _digest({"metadata": metadata, **body})


def _digest(value: Any) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).hexdigest()


def _is_mine(agent: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    owner = adopting.controller_of(live)
    return owner is not None and owner.get("uid") == agent["metadata"]["uid"]


def _belongs(agent: Mapping[str, Any], live: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    if _is_mine(agent, live):
        return True
    if wanted["kind"] == "Memory" and (live.get("spec") or {}).get("owner") == agent["metadata"]["name"]:
        return adopting.controller_of(live) is None  # retained, or prepared by hand
    labels = live["metadata"].get("labels") or {}
    if adopting.controller_of(live) is not None or not meta.labels(agent["metadata"]["name"]).items() <= labels.items():
        return False
    # What is retained has no owner. Whatever else lost its owner is ours if we applied it.
    managers = live["metadata"].get("managedFields") or ()
    return wanted["kind"] in RETAINED or any(entry.get("manager") == FIELD_MANAGER for entry in managers)


def _taken(agent: Mapping[str, Any], kind: Kind, live: Mapping[str, Any]) -> Blocker:
    name, owner = live["metadata"]["name"], adopting.controller_of(live)
    if owner is not None and owner.get("kind") == AGENT.kind and owner.get("name") == agent["metadata"]["name"]:
        why = "belongs to an earlier agent of this name and is being collected"
    elif owner is not None:
        why = f"belongs to {owner.get('kind')} {owner.get('name')}"
    else:
        why = "was made by somebody else"
    return Blocker("NameConflict", f"{kind.kind} {name} {why}; it is not taken over: rename or delete one of the two")
