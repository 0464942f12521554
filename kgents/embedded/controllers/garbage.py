"""Garbage collection: what belonged to something that is gone goes too, for every kind that the server has.

Nothing is deleted on suspicion. An owner that the graph does not know is looked up on the server; only a clear "not
there" (or another uid under that name) counts as absent. A look-up that fails, or an owner of a kind that discovery
does not know, leaves the object alone and is tried again.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from kgents.api.errors import KgentsError
from kgents.api.kinds import Kind
from kgents.embedded.controllers.discovery import Discovered, discover
from kgents.embedded.controllers.graph import (
    FOREGROUND,
    ORPHAN,
    Graph,
    Node,
    Owners,
    Verdict,
    judge,
    node_of,
    without_owners,
)
from kgents.embedded.controllers.objects import Object, is_deleting
from kgents.kube.client import KubeClient, Propagation
from kgents.kube.errors import ObjectNotFound
from kgents.kube.queue import Controller

SETTLE = 1.0
"""Seconds that an owner which no mirror knows is given to appear, before the server is asked for it."""
LOOK_AGAIN = 30.0
"""Seconds after which an object is looked at again whose owner exists but that no mirror tells of."""
REFRESH = 10.0
"""Seconds before an unknown kind is reason enough to read discovery again."""
_REMEMBERED = 4096
_PROPAGATION: dict[Verdict, Propagation] = {
    Verdict.BACKGROUND: "Background",
    Verdict.FOREGROUND: "Foreground",
    Verdict.ORPHAN: "Orphan",
}


class UnknownOwner(KgentsError):
    """An owner of a kind that the server does not list: whether it exists cannot be known."""


class GarbageCollector:
    """Decides about one object at a time, by uid. `see` and `lose` are told what the mirrors of all resources tell."""

    def __init__(self, api: KubeClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._clock = clock
        self._refreshed = -REFRESH
        self._graph = Graph()
        self._absent: OrderedDict[str, None] = OrderedDict()
        self._tell_owner: Callable[[Kind], None] | None = None
        self.discovered = Discovered((), complete=False)
        self.controller: Controller[str] = Controller("garbage", self.reconcile)

    def on_owner(self, tell: Callable[[Kind], None]) -> None:
        """Have `tell` called with the kind of each owner that exists and that no mirror knew."""
        self._tell_owner = tell

    def matters(self, obj: Object) -> bool:
        """Whether an object owns something, is owned, or is on its way out."""
        metadata = obj["metadata"]
        takes_part = metadata.get("ownerReferences") or metadata.get("deletionTimestamp")
        return bool(takes_part or self._graph.dependents(metadata["uid"]))

    def see(self, kind: Kind, obj: Object) -> None:
        """An object was found, made or changed."""
        node = node_of(kind, obj)
        before = self._graph.nodes.get(node.uid)
        self._graph.put(node)
        if node.is_orphaning or node.is_waiting_for_dependents:
            self.controller.enqueue(node.uid)
        elif node.owners and not node.deleting and not self._is_safe(node):
            # Mirrors of two resources are not in step: an owner made a moment ago may only be on its way.
            self.controller.enqueue(node.uid, after=SETTLE)
        # Also those that it no longer names: one of them may have waited for just that.
        for owner in (*node.owners, *(before.owners if before is not None else ())):
            known = self._graph.nodes.get(owner["uid"])
            if known is not None and known.is_waiting_for_dependents:
                self.controller.enqueue(known.uid)

    def lose(self, obj: Object) -> None:
        """An object is gone."""
        uid = obj["metadata"]["uid"]
        node = self._graph.drop(uid)
        for dependent in self._graph.dependents(uid):
            self.controller.enqueue(dependent.uid)
        for owner in node.owners if node is not None else ():
            known = self._graph.nodes.get(owner["uid"])
            if known is not None and known.is_waiting_for_dependents:
                self.controller.enqueue(known.uid)

    def forget(self, obj: Object) -> None:
        """An object can no longer be watched, which says nothing about whether it is there."""
        self._graph.drop(obj["metadata"]["uid"])

    async def refresh(self) -> Discovered:
        """Read discovery anew."""
        self.discovered = await discover(self._api)
        self._refreshed = self._clock()
        return self.discovered

    async def reconcile(self, uid: str) -> float | None:
        """Decide about one object, and do it. Returns when to look again at one that could not be decided for good."""
        node = self._graph.nodes.get(uid)
        if node is None:
            return None
        if node.is_orphaning:
            await self._orphan(node)
        elif node.is_waiting_for_dependents:
            await self._wait_for_dependents(node)
        elif node.owners and not node.deleting and not self._is_safe(node):
            return await self._collect(node)
        return None

    def _is_safe(self, node: Node) -> bool:
        """Whether all owners are known to be there, so that the server need not be asked."""
        owners = (self._graph.nodes.get(item["uid"]) for item in node.owners)
        return all(owner is not None and not owner.is_waiting_for_dependents for owner in owners)

    async def _collect(self, node: Node) -> float | None:
        live = await self._live(node)
        if live is None:
            self._graph.drop(node.uid)
            return None
        references = live["metadata"].get("ownerReferences") or ()
        if is_deleting(live) or not references:
            return None
        owners = await self._sort(node, references)
        verdict = judge(node_of(node.kind, live), owners, self._graph.dependents(node.uid))
        if verdict is Verdict.KEEP:
            return None if self._is_safe(node) else LOOK_AGAIN
        if verdict is Verdict.DISOWN:
            await self._disown(node, live, [*owners.absent, *owners.waiting])
            return None
        if verdict is Verdict.FOREGROUND:
            await self._unblock(node)
        # Owners may change between look and deletion: the version makes that a conflict, and a second look.
        await self._api.delete(
            node.kind,
            node.name,
            node.namespace or None,
            uid=node.uid,
            resource_version=live["metadata"]["resourceVersion"],
            propagation=_PROPAGATION[verdict],
            missing_ok=True,
        )
        return None

    async def _unblock(self, node: Node) -> None:
        """Break a circle: a dependent that is itself being deleted in the foreground must not block `node` for ever."""
        for dependent in self._graph.dependents(node.uid):
            if dependent.is_waiting_for_dependents and dependent.blocks(node.uid):
                live = await self._live(dependent)
                if live is None:
                    continue
                owners = [dict(item) for item in live["metadata"].get("ownerReferences") or ()]
                for item in owners:
                    item["blockOwnerDeletion"] = False if item["uid"] == node.uid else item.get("blockOwnerDeletion")
                await self._write_metadata(dependent, live, {"ownerReferences": owners})

    async def _sort(self, node: Node, references: tuple[Mapping[str, Any], ...] | list[Mapping[str, Any]]) -> Owners:
        solid, absent, waiting = [], [], []
        for reference in references:
            uid = reference["uid"]
            known = self._graph.nodes.get(uid)
            if known is None and not await self._exists(node, reference):
                absent.append(uid)
            elif known is not None and known.is_waiting_for_dependents:
                waiting.append(uid)
            else:
                solid.append(uid)
        return Owners(tuple(solid), tuple(absent), tuple(waiting))

    async def _exists(self, node: Node, reference: Mapping[str, Any]) -> bool:
        """Ask the server for an owner that no mirror knows. Raises when that cannot be answered."""
        uid = reference["uid"]
        if uid in self._absent:
            return False
        resource = self.discovered.find(reference["apiVersion"], reference["kind"])
        if resource is None and self._clock() - self._refreshed > REFRESH:
            resource = (await self.refresh()).find(reference["apiVersion"], reference["kind"])
        if resource is None:
            raise UnknownOwner(
                f"{node.kind.kind} {node.name} is owned by an unknown kind",
                why=f"the server has no {reference['kind']} in {reference['apiVersion']}",
            )
        if resource.kind.namespaced and not node.namespace:
            raise UnknownOwner(
                f"{node.kind.kind} {node.name} has an owner it cannot have",
                why=f"it stands in no namespace and {reference['kind']} {reference['name']} does",
            )
        namespace = node.namespace if resource.kind.namespaced else None
        try:
            live = await self._api.get(resource.kind, reference["name"], namespace)
        except ObjectNotFound as error:
            if error.details.get("name") != reference["name"]:
                # The server knows no such path: it may have just started, and not know its custom kinds yet.
                raise UnknownOwner(
                    f"{node.kind.kind} {node.name} has an owner that cannot be looked up", why=error.what
                ) from error
            self._remember_absent(uid)
            return False
        if live["metadata"]["uid"] != uid:
            self._remember_absent(uid)
            return False
        if self._tell_owner is not None:
            self._tell_owner(resource.kind)
        return True

    async def _wait_for_dependents(self, node: Node) -> None:
        """Foreground deletion: send the dependents away; the last blocking one that goes opens the door."""
        blocking = [item for item in self._graph.dependents(node.uid) if item.blocks(node.uid)]
        for item in blocking:
            self.controller.enqueue(item.uid)
        if not blocking:
            await self._remove_finalizer(node, FOREGROUND)

    async def _orphan(self, node: Node) -> None:
        """Cut the dependents loose, then let the owner go."""
        for dependent in self._graph.dependents(node.uid):
            live = await self._live(dependent)
            if live is not None:
                await self._disown(dependent, live, [node.uid])
        await self._remove_finalizer(node, ORPHAN)

    async def _disown(self, node: Node, live: Object, uids: list[str]) -> None:
        references = live["metadata"].get("ownerReferences") or ()
        owners = without_owners(references, uids)
        if len(owners) != len(references):
            await self._write_metadata(node, live, {"ownerReferences": owners or None})

    async def _remove_finalizer(self, node: Node, finalizer: str) -> None:
        live = await self._live(node)
        if live is None:
            return
        finalizers = list(live["metadata"].get("finalizers") or ())
        if finalizer in finalizers:
            left = [item for item in finalizers if item != finalizer]
            await self._write_metadata(node, live, {"finalizers": left or None})

    async def _write_metadata(self, node: Node, live: Object, fields: Mapping[str, Any]) -> None:
        metadata = {"uid": node.uid, "resourceVersion": live["metadata"]["resourceVersion"], **fields}
        try:
            await self._api.patch(node.kind, node.name, {"metadata": metadata}, node.namespace or None)
        except ObjectNotFound:
            self._graph.drop(node.uid)

    async def _live(self, node: Node) -> Object | None:
        """The object as it is now; None when it is gone, or another bears its name."""
        try:
            live = await self._api.get(node.kind, node.name, node.namespace or None)
        except ObjectNotFound:
            return None
        return live if live["metadata"]["uid"] == node.uid else None

    def _remember_absent(self, uid: str) -> None:
        # A uid is never used twice, so what is gone once is gone for good.
        self._absent[uid] = None
        if len(self._absent) > _REMEMBERED:
            self._absent.popitem(last=False)
