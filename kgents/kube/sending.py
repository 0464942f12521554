"""Makes the requests of operations with a KubeClient."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from kgents.api.errors import KgentsError
from kgents.api.kinds import EVENT
from kgents.api.operations.requests import Create, Delete, Discover, Get, List, Note, Patch, Request, WhoAmI
from kgents.kube.client import KubeClient
from kgents.kube.discovery import discover

_REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}


def sender(api: KubeClient, field_manager: str) -> Callable[[Request], Awaitable[Any]]:
    """What carries requests out as `field_manager`; its errors are those of kgents.kube.errors."""

    async def send(request: Request) -> Any:
        match request:
            case Get(kind, name, namespace):
                return await api.get(kind, name, namespace or None)
            case List(kind, namespace):
                return (await api.list(kind, namespace or None))["items"]
            case Create(kind, obj, namespace):
                return await api.create(kind, obj, namespace or None, field_manager=field_manager)
            case Patch():
                return await _patch(api, request, request.manager or field_manager)
            case Delete(kind, name, namespace):
                await api.delete(kind, name, namespace or None, propagation="Background")
                return None
            case Note(event):
                with contextlib.suppress(KgentsError):  # what was done stands
                    await api.create(EVENT, event)
                return None
            case WhoAmI():
                said = await api.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=_REVIEW)
                return str(said["status"]["userInfo"]["username"])
            case Discover(api_version, kind_name):
                return await discover(api, api_version, kind_name)

    return send


async def _patch(api: KubeClient, request: Patch, field_manager: str) -> Any:
    namespace = request.namespace or None
    subresource = request.subresource or None
    if request.type == "apply":
        content = {**request.content, "metadata": {**(request.content.get("metadata") or {}), "name": request.name}}
        return await api.apply(
            request.kind,
            content,
            namespace,
            field_manager=field_manager,
            subresource=subresource,
            dry_run=request.dry_run,
        )
    return await api.patch(
        request.kind,
        request.name,
        request.content,
        namespace,
        type=request.type,
        subresource=subresource,
        field_manager=field_manager,
        dry_run=request.dry_run,
    )
