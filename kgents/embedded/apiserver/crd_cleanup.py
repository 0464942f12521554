"""What happens when a definition is deleted: its objects go first, then it goes itself."""

from __future__ import annotations

import asyncio
from typing import Any

from kgents.embedded.apiserver.api import Api
from kgents.embedded.apiserver.calls import Call
from kgents.embedded.apiserver.crd_strategy import CLEANUP
from kgents.embedded.apiserver.delete import delete_object
from kgents.embedded.apiserver.delete_options import Options
from kgents.embedded.apiserver.errors import StatusError
from kgents.embedded.apiserver.registry import Resource
from kgents.embedded.apiserver.requests import RequestInfo
from kgents.embedded.apiserver.store.records import Event
from kgents.embedded.apiserver.update import change_object
from kgents.embedded.auth.user import User

SERVER = User("system:apiserver", groups=("system:masters",))


def internal(api: Api, resource: Resource, namespace: str, name: str) -> Call:
    """A call that the server makes to itself."""
    info = RequestInfo("PATCH", "", namespace=namespace, name=name, resource=resource.plural)
    return Call(api, info, SERVER, resource, {"User-Agent": "apiserver"})


async def clean(api: Api, name: str, served: list[Resource]) -> None:
    """Deletes the objects, waits for those that have finalizers, then lets the definition go."""
    if served:
        resource = served[0]
        collection = api.collection(resource)
        emptied = asyncio.Event()

        def watch(_event: Event) -> None:
            if not collection.records:
                emptied.set()

        collection.listeners.add(watch)
        try:
            for key in list(collection.records):
                await _delete(internal(api, resource, *key))
            if collection.records:
                await emptied.wait()
        finally:
            collection.listeners.discard(watch)
    definition = api.registry.get("apiextensions.k8s.io", "v1", "customresourcedefinitions")

    def release(obj: dict[str, Any]) -> dict[str, Any]:
        meta = obj["metadata"]
        meta["finalizers"] = [one for one in meta.get("finalizers") or () if one != CLEANUP]
        return obj

    try:
        await change_object(internal(api, definition, "", name), release)
    except StatusError as error:
        if error.code != 404:
            raise


async def _delete(call: Call) -> None:
    try:
        await delete_object(call, Options())
    except StatusError as error:
        if error.code != 404:
            raise


async def touch(api: Api, name: str) -> None:
    """Has a definition judged anew, as if somebody had written it unchanged."""
    definition = api.registry.get("apiextensions.k8s.io", "v1", "customresourcedefinitions")
    try:
        await change_object(internal(api, definition, "", name), lambda crd: crd)
    except StatusError as error:
        if error.code != 404:
            raise
