"""A mirror that also knows what this process has just written.

A loop that creates five pods and looks again before the watch has told of them must not create five more. So every
answer to a write goes into the cache at once, and the watch only replaces it by something newer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator

from kgents.api.kinds import Kind
from kgents.embedded.controllers.objects import Key, Object, key_of
from kgents.kube.client import KubeClient
from kgents.kube.informer import Informer

_REMEMBERED = 4096


class Cache:
    """Objects of one kind by key, owner, namespace and what else `index` makes of them. Do not change what it returns.

    With thousands of objects in a namespace no loop can afford to look through them all at every event.
    """

    def __init__(
        self,
        api: KubeClient,
        kind: Kind,
        *,
        index: Callable[[Object], Iterable[Hashable]] | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> None:
        self.kind = kind
        self.is_whole = not (label_selector or field_selector)
        """Whether all objects of the kind are in it."""
        self.informer = Informer(api, kind, label_selector=label_selector, field_selector=field_selector)
        self.informer.on_change(self._see)
        self._objects: dict[Key, Object] = {}
        self._more = index
        self._index: dict[Hashable, set[Key]] = {}
        self._gone: OrderedDict[str, None] = OrderedDict()

    def get(self, namespace: str, name: str) -> Object | None:
        """The object as last seen or written."""
        return self._objects.get((namespace, name))

    def owned_by(self, uid: str) -> list[Object]:
        """Objects with an owner reference to `uid`."""
        return self.indexed(("owner", uid))

    def in_namespace(self, namespace: str) -> list[Object]:
        """All objects of a namespace."""
        return self.indexed(("namespace", namespace))

    def orphans(self, namespace: str) -> list[Object]:
        """Objects of a namespace that no controller owns."""
        return self.indexed(("orphan", namespace))

    def indexed(self, value: Hashable) -> list[Object]:
        """Objects of which the index made `value`."""
        return [self._objects[key] for key in self._index.get(value, ())]

    def count(self, value: Hashable) -> int:
        """How many `indexed` would return."""
        return len(self._index.get(value, ()))

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
        for value in self._values(obj):
            self._index.setdefault(value, set()).add(key)

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
        for value in self._values(obj):
            members = self._index.get(value)
            if members is not None:
                members.discard(key)
                if not members:
                    del self._index[value]

    def _values(self, obj: Object) -> Iterator[Hashable]:
        namespace = obj["metadata"].get("namespace") or ""
        yield ("namespace", namespace)
        controlled = False
        for reference in obj["metadata"].get("ownerReferences") or ():
            yield ("owner", reference["uid"])
            controlled = controlled or bool(reference.get("controller"))
        if not controlled:
            yield ("orphan", namespace)
        if self._more is not None:
            yield from self._more(obj)


def _version(obj: Object) -> int:
    return int(obj["metadata"].get("resourceVersion") or 0)


def by_label(obj: Object) -> Iterator[Hashable]:
    """An index of pods: one value for each label, within the namespace."""
    namespace = obj["metadata"].get("namespace") or ""
    for label in (obj["metadata"].get("labels") or {}).items():
        yield ("label", namespace, label)


def by_selector(obj: Object) -> Iterator[Hashable]:
    """An index of Services: one label that all of its pods have, the same value as `by_label` makes of it."""
    selector = (obj.get("spec") or {}).get("selector")
    if selector:
        yield ("label", obj["metadata"].get("namespace") or "", min(selector.items()))
