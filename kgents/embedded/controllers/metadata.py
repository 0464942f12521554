"""A client that sees no more of an object than garbage collection needs: who it is, and who owns it.

The server is asked for metadata alone; one that sends whole objects all the same is understood too.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp

from kgents.api.kinds import Kind
from kgents.embedded.controllers.objects import Object
from kgents.kube.client import PAGE, WATCH_SECONDS, KubeClient
from kgents.kube.errors import Gone
from kgents.kube.transport import Params

_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
_ONE = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
_KEPT = ("name", "namespace", "uid", "resourceVersion", "ownerReferences", "finalizers", "deletionTimestamp")


class MetadataClient(KubeClient):
    """Lists and watches metadata."""

    async def list(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
        limit: int = PAGE,
        max_items: int | None = None,
        resource_version: str | None = None,
        timeout: float | None = None,
    ) -> Object:
        """All objects of `kind`, of each its metadata."""
        params: dict[str, str | int | None] = {
            "labelSelector": label_selector,
            "fieldSelector": field_selector,
            "limit": limit,
            "resourceVersion": resource_version,
        }
        path = kind.path(namespace)
        page: Object = await self.request("GET", path, params=params, accept=_LIST, timeout=timeout)
        items = [slim(item) for item in page.get("items") or ()]
        while token := page["metadata"].get("continue"):
            following = {**params, "continue": token, "resourceVersion": None}
            try:
                page = await self.request("GET", path, params=following, accept=_LIST, timeout=timeout)
            except Gone:
                page = await self.request("GET", path, params={**params, "limit": None}, accept=_LIST, timeout=timeout)
                items = []
            items += [slim(item) for item in page.get("items") or ()]
        return {"metadata": page["metadata"], "items": items}

    async def watch(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        resource_version: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        bookmarks: bool = True,
        timeout_seconds: int = WATCH_SECONDS,
    ) -> AsyncGenerator[tuple[str, Object], None]:
        """As KubeClient.watch, of each object its metadata."""
        events = super().watch(
            kind,
            namespace,
            resource_version=resource_version,
            label_selector=label_selector,
            field_selector=field_selector,
            bookmarks=bookmarks,
            timeout_seconds=timeout_seconds,
        )
        async with contextlib.aclosing(events):
            async for event, obj in events:
                yield event, slim(obj)

    def stream(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Any = None,
        accept: str = _ONE,
        silence: float | None = None,
    ) -> contextlib.AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """As KubeClient.stream, asking for metadata."""
        return super().stream(method, path, params=params, body=body, accept=accept, silence=silence)


def slim(obj: Object) -> Object:
    """An object reduced to the metadata that is kept in memory."""
    metadata = obj["metadata"]
    return {"metadata": {key: metadata[key] for key in _KEPT if metadata.get(key)}}
