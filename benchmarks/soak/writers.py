"""Writers: each changes random objects in random ways and notes what the server said it did."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.soak.notes import Round, Seen
from kgents.api.kinds import Kind
from kgents.kube.client import KubeClient
from kgents.kube.errors import ApiError, ApiUnreachable, Conflict, ObjectNotFound

PROBE = Kind("SoakProbe", "soakprobes", "soak.kgents.io/v1")
NAMES = 120
Object = dict[str, Any]


def definition() -> Object:
    """The CRD of the objects that are written: with a status of its own and open content."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": anything, "status": anything}}
    version = {"name": "v1", "served": True, "storage": True, "subresources": {"status": {}}}
    names = {"kind": PROBE.kind, "plural": PROBE.plural}
    spec = {"group": "soak.kgents.io", "scope": "Namespaced", "names": names}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PROBE.plural}.soak.kgents.io"},
        "spec": {**spec, "versions": [{**version, "schema": {"openAPIV3Schema": schema}}]},
    }


class Writer:
    """One of many. Where an answer did not come, it does not know what happened, and notes nothing."""

    def __init__(self, api: KubeClient, number: int, seed: int) -> None:
        self.written = 0
        self.refused = 0
        self.unanswered = 0
        self._api = api
        self._number = number
        self._random = random.Random(seed)
        self._counter = itertools.count()

    async def write(self, notes: Round, stop: asyncio.Event) -> None:
        """Goes on until `stop`. Raises ApiError for an answer that no sane server gives here."""
        actions: list[tuple[Callable[[str, Round], Awaitable[None]], int]] = [
            (self._create, 4),
            (self._replace, 4),
            (self._patch, 4),
            (self._apply, 4),
            (self._status, 3),
            (self._delete, 2),
        ]
        kinds, weights = zip(*actions, strict=True)
        while not stop.is_set():
            action = self._random.choices(kinds, weights)[0]
            try:
                await action(f"probe-{self._random.randrange(NAMES)}", notes)
                self.written += 1
            except (Conflict, ObjectNotFound):
                self.refused += 1
            except ApiUnreachable:
                self.unanswered += 1
                await asyncio.sleep(0.05)
            except ApiError as error:
                if error.status != 422:  # an apply's update of what was deleted meanwhile
                    raise
                self.refused += 1

    def _object(self, name: str) -> Object:
        colour = self._random.choice(("red", "blue"))
        content = {"writer": self._number, "count": next(self._counter), "text": "x" * self._random.randrange(2000)}
        return {"metadata": {"name": name, "labels": {"colour": colour}}, "spec": content}

    async def _create(self, name: str, notes: Round) -> None:
        made = await self._api.create(PROBE, self._object(name), "default")
        notes.acknowledged.append(Seen.of("ADDED", made))

    async def _replace(self, name: str, notes: Round) -> None:
        known = await self._api.get(PROBE, name, "default")
        wanted = self._object(name)
        known["metadata"]["labels"], known["spec"] = wanted["metadata"]["labels"], wanted["spec"]
        notes.acknowledged.append(Seen.of("MODIFIED", await self._api.replace(PROBE, known, "default")))

    async def _patch(self, name: str, notes: Round) -> None:
        wanted = self._object(name)
        patch = {"metadata": {"labels": wanted["metadata"]["labels"]}, "spec": wanted["spec"]}
        notes.acknowledged.append(Seen.of("MODIFIED", await self._api.patch(PROBE, name, patch, "default")))

    async def _apply(self, name: str, notes: Round) -> None:
        done = await self._api.apply(PROBE, self._object(name), "default", field_manager=f"writer-{self._number}")
        kind = "ADDED" if done["metadata"]["generation"] == 1 else "MODIFIED"
        notes.acknowledged.append(Seen.of(kind, done))

    async def _status(self, name: str, notes: Round) -> None:
        patch = {"status": {"writer": self._number, "count": next(self._counter)}}
        done = await self._api.patch(PROBE, name, patch, "default", subresource="status")
        notes.acknowledged.append(Seen.of("MODIFIED", done))

    async def _delete(self, name: str, notes: Round) -> None:
        done = await self._api.delete(PROBE, name, "default")
        notes.deleted.add(str((done or {})["details"]["uid"]))


async def page(api: KubeClient, notes: Round, stop: asyncio.Event, seed: int) -> int:
    """Reads the list in pages of random size, again and again; returns how many lists it read."""
    dice, read = random.Random(seed), 0
    while not stop.is_set():
        try:
            listed = await api.list(PROBE, "default", limit=dice.randrange(3, 40))
        except ApiUnreachable:
            await asyncio.sleep(0.05)
            continue
        rv = int(listed["metadata"]["resourceVersion"])
        items = {one["metadata"]["name"]: int(one["metadata"]["resourceVersion"]) for one in listed["items"]}
        notes.lists.append((rv, items))
        read += 1
        await asyncio.sleep(0.2)
    return read
