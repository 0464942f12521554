"""Who owns whom: the graph that garbage collection walks, and what it decides about one object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from kgents.api.kinds import Kind
from kgents.embedded.controllers.objects import Object

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


@dataclass(frozen=True, slots=True)
class Node:
    """An object as far as ownership goes."""

    uid: str
    kind: Kind
    namespace: str
    name: str
    owners: tuple[Mapping[str, Any], ...] = ()
    finalizers: frozenset[str] = frozenset()
    deleting: bool = False

    @property
    def is_waiting_for_dependents(self) -> bool:
        """Being deleted in the foreground: it stays until its dependents are gone."""
        return self.deleting and FOREGROUND in self.finalizers

    @property
    def is_orphaning(self) -> bool:
        """Being deleted, and its dependents are to stay."""
        return self.deleting and ORPHAN in self.finalizers

    def blocks(self, owner_uid: str) -> bool:
        """Whether it holds up the foreground deletion of that owner."""
        return any(item["uid"] == owner_uid and item.get("blockOwnerDeletion") for item in self.owners)


def node_of(kind: Kind, obj: Object) -> Node:
    """The node of an object (or of its metadata alone)."""
    metadata = obj["metadata"]
    return Node(
        uid=metadata["uid"],
        kind=kind,
        namespace=metadata.get("namespace") or "",
        name=metadata["name"],
        owners=tuple(metadata.get("ownerReferences") or ()),
        finalizers=frozenset(metadata.get("finalizers") or ()),
        deleting=bool(metadata.get("deletionTimestamp")),
    )


@dataclass(slots=True)
class Graph:
    """Nodes by uid, and the uids of their dependents. Owners may be unknown: an edge can come before its end."""

    nodes: dict[str, Node] = field(default_factory=dict)
    _dependents: dict[str, set[str]] = field(default_factory=dict)

    def put(self, node: Node) -> None:
        """Add or replace a node."""
        self._unlink(self.nodes.get(node.uid))
        self.nodes[node.uid] = node
        for owner in node.owners:
            self._dependents.setdefault(owner["uid"], set()).add(node.uid)

    def drop(self, uid: str) -> Node | None:
        """Remove a node; its dependents keep their edges to it."""
        node = self.nodes.pop(uid, None)
        self._unlink(node)
        return node

    def dependents(self, uid: str) -> list[Node]:
        """Nodes that name `uid` as an owner."""
        return [self.nodes[item] for item in self._dependents.get(uid, ())]

    def _unlink(self, node: Node | None) -> None:
        for owner in node.owners if node is not None else ():
            members = self._dependents.get(owner["uid"])
            if members is not None:
                members.discard(node.uid if node else "")
                if not members:
                    del self._dependents[owner["uid"]]


class Verdict(Enum):
    """What becomes of an object."""

    KEEP = "keep"
    DISOWN = "disown"
    """Somebody still owns it: only the dead references go."""
    BACKGROUND = "Background"
    FOREGROUND = "Foreground"
    ORPHAN = "Orphan"


@dataclass(frozen=True, slots=True)
class Owners:
    """The owners of an object, sorted by what was found out about each of them just now."""

    solid: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


def judge(node: Node, owners: Owners, dependents: Sequence[Node]) -> Verdict:
    """Decide about `node`. Only owners known to be absent, or to wait for it, count against it."""
    if not owners.absent and not owners.waiting:
        return Verdict.KEEP
    if owners.solid:
        return Verdict.DISOWN
    if owners.waiting and dependents:
        return Verdict.FOREGROUND
    if ORPHAN in node.finalizers:
        return Verdict.ORPHAN
    if FOREGROUND in node.finalizers:
        return Verdict.FOREGROUND
    return Verdict.BACKGROUND


def without_owners(owners: Iterable[Mapping[str, Any]], uids: Iterable[str]) -> list[dict[str, Any]]:
    """The references that remain when those to `uids` go."""
    gone = set(uids)
    return [dict(item) for item in owners if item["uid"] not in gone]
