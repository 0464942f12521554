"""A mirror that also knows what this process has just written.

A loop that creates five pods and looks again before the watch has told of them must not create five more. So every
answer to a write goes into the cache at once, and the watch only replaces it by something newer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from kgents.api.kinds import Kind
from kgents.embedded.controllers.objects import Key, Object, key_of
from kgents.kube.client import KubeClient
from kgents.kube.informer import Informer

_REMEMBERED = 4096


class Cache:
    """Objects of one kind by key, by owner and by namespace. Do not change what it returns."""

    def __init__(
        self, api: KubeClient, kind: Kind, *, label_selector: str | None = None, field_selector: str | None = None
    ) -> None:
        self.kind = kind
        self.is_whole = not (label_selector or field_selector)
        """Whether all objects of the kind are in it."""
        self.informer = Informer(api, kind, label_selector=label_selector, field_selector=field_selector)
        self.informer.on_change(self._see)
        self._objects: dict[Key, Object] = {}
        self._owned: dict[str, set[Key]] = {}
        self._spaces: dict[str, set[Key]] = {}
        self._gone: OrderedDict[str, None] = OrderedDict()

    def get(self, namespace: str, name: str) -> Object | None:
        """The object as last seen or written."""
        return self._objects.get((namespace, name))

    def owned_by(self, uid: str) -> list[Object]:
        """Objects with an owner reference to `uid`."""
        return [self._objects[key] for key in self._owned.get(uid, ())]

    def in_namespace(self, namespace: str) -> list[Object]:
        """All objects of a namespace."""
        return [self._objects[key] for key in self._spaces.get(namespace, ())]

    def __iter__(self) -> Iterator[Object]:
        return iter(list(self._objects.values()))

    def note(self, obj: Object) -> None:
        """Take in the server's answer to a write of ours."""
        if obj["metadata"]["uid"] not in self._gone:
            self._put(obj)

    def note_deleted(self, obj: Object) -> None:
        """Take in that `obj` is gone, ahead of the watch."""
        self._drop(obj)

    def _see(self, event: str, obj: Object) -> None:
        if event == "DELETED":
            self._drop(obj)
        elif obj["metadata"]["uid"] not in self._gone:
            self._put(obj)

    def _put(self, obj: Object) -> None:
        key = key_of(obj)
        known = self._objects.get(key)
        if known is not None:
            if known["metadata"]["uid"] == obj["metadata"]["uid"] and _version(known) > _version(obj):
                return
            self._unlink(key, known)
        obj["metadata"].pop("managedFields", None)
        self._objects[key] = obj
        self._spaces.setdefault(key[0], set()).add(key)
        for reference in obj["metadata"].get("ownerReferences") or ():
            self._owned.setdefault(reference["uid"], set()).add(key)

    def _drop(self, obj: Object) -> None:
        uid = obj["metadata"]["uid"]
        self._gone[uid] = None
        if len(self._gone) > _REMEMBERED:
            self._gone.popitem(last=False)
        key = key_of(obj)
        known = self._objects.get(key)
        if known is not None and known["metadata"]["uid"] == uid:
            self._unlink(key, known)
            del self._objects[key]

    def _unlink(self, key: Key, obj: Object) -> None:
        _discard(self._spaces, key[0], key)
        for reference in obj["metadata"].get("ownerReferences") or ():
            _discard(self._owned, reference["uid"], key)


def _version(obj: Object) -> int:
    return int(obj["metadata"].get("resourceVersion") or 0)


def _discard(table: dict[str, set[Key]], name: str, key: Key) -> None:
    members = table.get(name)
    if members is not None:
        members.discard(key)
        if not members:
            del table[name]
