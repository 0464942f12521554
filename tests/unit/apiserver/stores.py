"""Stores with something in them, for tests of what becomes of them."""

from __future__ import annotations

import asyncio
from typing import Any

from kgents.embedded.apiserver.store.store import Store

OBJECTS = 300


def obj(name: str, text: str) -> dict[str, Any]:
    meta = {"name": name, "namespace": "ns", "uid": name}
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": meta, "data": {"text": text}}


async def fill(store: Store, count: int = OBJECTS) -> int:
    """Small objects and some that run over many pages, each written twice; the last version. Ten to a commit."""
    things = store.collection("things")

    async def write(number: int) -> None:
        name, size = f"n{number:04}", 9000 if number % 50 == 0 else 200
        for text in ("old" * size, "new" * size):
            await store.put(things, ("ns", name), obj(name, text), things.get("ns", name))

    for first in range(0, count, 10):
        await asyncio.gather(*(write(number) for number in range(first, min(first + 10, count))))
    await store.delete(things, things.records["ns", "n0001"])
    return store.rv


def names(store: Store) -> set[str]:
    return {name for _, name in store.collection("things").records}
