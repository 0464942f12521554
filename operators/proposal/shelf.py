"""All proposals, each as it was last seen or written, and those that are about one target."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from kgents.api import duration, times
from kgents.api.governance import table
from kgents.api.kinds import PROPOSAL
from kgents.kube.client import KubeClient
from kgents.kube.informer import Informer, key_of
from operators.world import Key

Object = dict[str, Any]
OPEN = frozenset({"Pending", "Reviewing", "Blocked", "Approved"})
DONE = frozenset({"Merged", "Rejected", "Expired", "Superseded", "Failed", "RolledBack"})
TargetKey = tuple[str, str, str, str]
"""(group, kind, namespace, name), as proposals name their targets."""


class Shelf:
    """A mirror that knows our own writes before the watch tells of them."""

    def __init__(self, api: KubeClient) -> None:
        self.informer = Informer(api, PROPOSAL)
        self.informer.on_change(self._changed)
        self._written: dict[Key, Object] = {}
        self._about: dict[TargetKey, set[Key]] = {}
        self._handlers: list[Callable[[Key], None]] = []

    def on_change(self, handler: Callable[[Key], None]) -> None:
        self._handlers.append(handler)

    def _changed(self, event: str, obj: Object) -> None:
        key = key_of(obj)
        known = self._written.get(key)
        if known is not None and (event == "DELETED" or not _is_older(obj, known)):
            del self._written[key]
        about = self._about.setdefault(target_of(obj), set())
        if event == "DELETED":
            about.discard(key)
        else:
            about.add(key)
        for handler in self._handlers:
            handler(key)

    def get(self, key: Key) -> Object | None:
        return self._written.get(key) or self.informer.get(*key)

    def put(self, proposal: Object) -> None:
        """What a write of ours answered."""
        self._written[key_of(proposal)] = proposal

    def drop(self, key: Key) -> None:
        self._written.pop(key, None)

    def all(self, namespace: str | None = None) -> Iterator[Object]:
        for key in self.informer.store.keys() | self._written.keys():
            found = self.get(key)
            if found is not None and namespace in (None, key[0]):
                yield found

    def siblings(self, proposal: Object) -> Iterator[Object]:
        """The other proposals about the same target."""
        uid = proposal["metadata"]["uid"]
        return (other for other in self.about(target_of(proposal)) if other["metadata"]["uid"] != uid)

    def about(self, target: TargetKey) -> Iterator[Object]:
        """Those about one target."""
        for key in list(self._about.get(target, ())):
            found = self.get(key)
            if found is not None:
                yield found


def phase_of(proposal: Object) -> str:
    return str((proposal.get("status") or {}).get("phase") or "Pending")


def target_of(proposal: Object) -> TargetKey:
    """What the proposal is about."""
    target = proposal["spec"]["target"]
    group = str(target.get("apiVersion") or "kgents.io/v1").rpartition("/")[0]
    own = str(proposal["metadata"]["namespace"])
    return group, str(target["kind"]), str(target.get("namespace") or own), str(target["name"])


def made_at(proposal: Object) -> tuple[float, str]:
    """Sorts proposals by when they were made; those of one second by name, so that the order is the same for all."""
    return times.parse(proposal["metadata"]["creationTimestamp"]) or 0.0, str(proposal["metadata"]["name"])


def expires_at(proposal: Object) -> float:
    """When nobody has decided for too long, in seconds since 1970."""
    created = times.parse(proposal["metadata"]["creationTimestamp"]) or 0.0
    return created + duration.parse_or(proposal["spec"].get("ttl"), table.TTL)


def _is_older(seen: Object, written: Object) -> bool:
    one, other = (str(obj["metadata"]["resourceVersion"]) for obj in (seen, written))
    same = seen["metadata"]["uid"] == written["metadata"]["uid"]
    return same and one.isdecimal() and other.isdecimal() and int(one) < int(other)
