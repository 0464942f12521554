"""The Kubernetes API in verbs: what kubectl does, as coroutines on plain dictionaries.

    async with KubeClient(load()) as api:
        agents = await api.list(AGENT, "default")
        async for event, agent in api.watch(AGENT, "default", resource_version=agents["metadata"]["resourceVersion"]):
            ...

Every call has a time limit and raises only errors of kgents.kube.errors. Writes are never repeated by themselves,
except where the server answered 429: it has not looked at those.
"""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal
from urllib.parse import quote

import aiohttp
import orjson

from kgents.api.errors import UsageError
from kgents.api.kinds import FIELD_MANAGER, POD, Kind
from kgents.kube.config import ClusterConfig
from kgents.kube.errors import ApiError, ApiUnreachable, Forbidden, Gone, ObjectNotFound, from_status
from kgents.kube.impersonation import Identity
from kgents.kube.lines import split_lines
from kgents.kube.pod_port import PROTOCOL, PodPort
from kgents.kube.transport import CONNECT_TIMEOUT, Params, Transport, unreachable

Object = dict[str, Any]
PatchType = Literal["merge", "json", "strategic"]
Propagation = Literal["Background", "Foreground", "Orphan"]

PAGE = 500
LONGEST_EVENT = 64 * 1024 * 1024
LONGEST_LOG_LINE = 1024 * 1024
WATCH_SECONDS = 600
_PATCH_TYPES: dict[str, str] = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}


class KubeClient:
    """One API server, as one user. Safe to share between tasks of one event loop.

    `connections` is how many requests go on at once; watches and logs come on top.
    """

    def __init__(
        self, config: ClusterConfig, *, timeout: float = 30.0, user_agent: str = "kgents", connections: int = 100
    ) -> None:
        self.config = config
        self._http = Transport(config, timeout=timeout, user_agent=user_agent, connections=connections)

    async def __aenter__(self) -> KubeClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. A client that is used again afterwards opens new ones."""
        await self._http.close()

    def acting_as(self, identity: Identity) -> KubeClient:
        """The same server as somebody else, over the same connections: it ends with this one.

        Raises Refused for an identity that cannot be told exactly.
        """
        other = copy.copy(self)
        other._http = self._http.acting_as(identity)
        return other

    @property
    def last_heard(self) -> float | None:
        """time.monotonic() of the server's last answer, whatever it said."""
        return self._http.last_heard

    async def get(
        self,
        kind: Kind,
        name: str,
        namespace: str | None = None,
        *,
        subresource: str | None = None,
        timeout: float | None = None,
    ) -> Object:
        """One object. Raises ObjectNotFound."""
        answer: Object = await self._http.request("GET", _path(kind, namespace, name, subresource), timeout=timeout)
        return answer

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
        """The whole list, its pages joined; apiVersion and kind are filled into the items.

        With `max_items` it may be cut: `metadata.remainingItemCount` then says by how much, as far as the server does.
        """
        params: dict[str, str | int | None] = {
            "labelSelector": label_selector,
            "fieldSelector": field_selector,
            "limit": min(limit, max_items) if max_items else limit,
            "resourceVersion": resource_version,
        }
        path = _path(kind, namespace)
        page: Object = await self._http.request("GET", path, params=params, timeout=timeout)
        items: list[Object] = page.get("items") or []
        while (token := page["metadata"].get("continue")) and (max_items is None or len(items) < max_items):
            following = {**params, "continue": token, "resourceVersion": None}
            try:
                page = await self._http.request("GET", path, params=following, timeout=timeout)
            except Gone:
                # The token outlived the server's history: only an undivided list is still consistent.
                page = await self._http.request("GET", path, params={**params, "limit": None}, timeout=timeout)
                items = []
            items += page.get("items") or []
        for item in items:
            item.setdefault("apiVersion", kind.api_version)
            item.setdefault("kind", kind.kind)
        return {**page, "items": items}

    async def create(
        self,
        kind: Kind,
        obj: Mapping[str, Any],
        namespace: str | None = None,
        *,
        name: str | None = None,
        subresource: str | None = None,
        dry_run: bool = False,
        field_manager: str | None = None,
        field_validation: str | None = None,
        timeout: float | None = None,
    ) -> Object:
        """POST. `name` and `subresource` are for the likes of serviceaccounts/token. Raises AlreadyExists, Invalid."""
        path = _path(kind, namespace or _namespace(obj), name, subresource)
        answer: Object = await self._http.request(
            "POST",
            path,
            params=_write(dry_run, field_manager, field_validation),
            body=_typed(kind, obj, subresource),
            timeout=timeout,
        )
        return answer

    async def replace(
        self,
        kind: Kind,
        obj: Mapping[str, Any],
        namespace: str | None = None,
        *,
        subresource: str | None = None,
        dry_run: bool = False,
        field_manager: str | None = None,
        field_validation: str | None = None,
        timeout: float | None = None,
    ) -> Object:
        """PUT. With a resourceVersion in `obj` it raises Conflict when somebody else wrote meanwhile."""
        path = _path(kind, namespace or _namespace(obj), _name(obj), subresource)
        answer: Object = await self._http.request(
            "PUT",
            path,
            params=_write(dry_run, field_manager, field_validation),
            body=_typed(kind, obj, subresource),
            timeout=timeout,
        )
        return answer

    async def patch(
        self,
        kind: Kind,
        name: str,
        patch: Mapping[str, Any] | Sequence[Any],
        namespace: str | None = None,
        *,
        type: PatchType = "merge",
        subresource: str | None = None,
        dry_run: bool = False,
        field_manager: str | None = None,
        field_validation: str | None = None,
        timeout: float | None = None,
    ) -> Object:
        """PATCH as a merge patch, a JSON patch or (built-in kinds only) a strategic merge patch."""
        answer: Object = await self._http.request(
            "PATCH",
            _path(kind, namespace, name, subresource),
            params=_write(dry_run, field_manager, field_validation),
            body=patch,
            content_type=_PATCH_TYPES[type],
            timeout=timeout,
        )
        return answer

    async def apply(
        self,
        kind: Kind,
        obj: Mapping[str, Any],
        namespace: str | None = None,
        *,
        field_manager: str = FIELD_MANAGER,
        force: bool = True,
        subresource: str | None = None,
        dry_run: bool = False,
        field_validation: str | None = None,
        timeout: float | None = None,
    ) -> Object:
        """Server-side apply: make the fields of `obj` so, and drop what this manager applied before and now leaves out.

        Without `force`, a field of another manager raises Conflict.
        """
        params = {**_write(dry_run, field_manager, field_validation), "force": force}
        answer: Object = await self._http.request(
            "PATCH",
            _path(kind, namespace or _namespace(obj), _name(obj), subresource),
            params=params,
            body=_typed(kind, obj, subresource),
            content_type="application/apply-patch+yaml",
            timeout=timeout,
        )
        return answer

    async def delete(
        self,
        kind: Kind,
        name: str,
        namespace: str | None = None,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
        propagation: Propagation | None = None,
        grace_seconds: int | None = None,
        dry_run: bool = False,
        missing_ok: bool = False,
        timeout: float | None = None,
    ) -> Object | None:
        """The server's answer; None when there was nothing and `missing_ok`. A failed precondition raises Conflict."""
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        options: Object = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {key: value for key, value in preconditions.items() if value} or None,
            "propagationPolicy": propagation,
            "gracePeriodSeconds": grace_seconds,
            "dryRun": ["All"] if dry_run else None,
        }
        body = {key: value for key, value in options.items() if value is not None}
        try:
            answer: Object = await self._http.request(
                "DELETE", _path(kind, namespace, name), body=body, timeout=timeout
            )
        except ObjectNotFound:
            if missing_ok:
                return None
            raise
        return answer

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
        """ADDED, MODIFIED, DELETED and BOOKMARK events, until the server closes the watch.

        Raises Gone when `resource_version` is too old, ApiUnreachable when the connection breaks.
        """
        params: Params = {
            "watch": True,
            "allowWatchBookmarks": bookmarks,
            "resourceVersion": resource_version,
            "labelSelector": label_selector,
            "fieldSelector": field_selector,
            "timeoutSeconds": timeout_seconds,
        }
        async with self.stream("GET", _path(kind, namespace), params=params) as response:
            async for line in split_lines(self._pieces(response), LONGEST_EVENT):
                if line.strip():
                    yield self._event(line)

    async def logs(
        self,
        pod: str,
        namespace: str,
        *,
        container: str | None = None,
        follow: bool = False,
        tail_lines: int | None = None,
        since_seconds: int | None = None,
        since_time: str | None = None,
        timestamps: bool = False,
        previous: bool = False,
        limit_bytes: int | None = None,
    ) -> AsyncGenerator[str, None]:
        """The lines of a container's log, without their newlines. Lines beyond 1 MiB are cut."""
        params: Params = {
            "container": container,
            "follow": follow or None,
            "tailLines": tail_lines,
            "sinceSeconds": since_seconds,
            "sinceTime": since_time,
            "timestamps": timestamps or None,
            "previous": previous or None,
            "limitBytes": limit_bytes,
        }
        async with self.stream("GET", _path(POD, namespace, pod, "log"), params=params, accept="*/*") as response:
            async for line in split_lines(self._pieces(response), LONGEST_LOG_LINE):
                yield line.decode("utf-8", "replace").removesuffix("\r")

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float | None = None,
    ) -> Any:
        """Any request: the decoded JSON, or the text of an answer that is none."""
        return await self._http.request(
            method, path, params=params, body=body, content_type=content_type, accept=accept, timeout=timeout
        )

    def stream(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Any = None,
        accept: str = "application/json",
        silence: float | None = None,
    ) -> contextlib.AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """An answer whose body the caller reads; `silence` is how many seconds it may say nothing."""
        limit = aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT, sock_read=silence)
        return self._http.stream(method, path, params=params, body=body, accept=accept, timeout=limit)

    async def port_forward(self, pod: str, namespace: str, port: int) -> PodPort:
        """One connection to a pod's port, through the API server; whoever asked closes it."""
        path = _path(POD, namespace, pod, "portforward")
        return PodPort(await self._http.websocket(path, {"ports": port}, PROTOCOL))

    async def version(self) -> Object:
        """`{major, minor, gitVersion, …}`."""
        answer: Object = await self._http.request("GET", "/version")
        return answer

    async def ready(self, timeout: float = 5.0) -> bool:
        """Whether the server can serve. A server that tells only its friends (403) counts; nothing is raised."""
        try:
            await self._http.request("GET", "/readyz", accept="*/*", timeout=timeout)
        except Forbidden:
            return True
        except (ApiError, ApiUnreachable):
            return False
        return True

    async def heard_within(self, seconds: float, timeout: float = 5.0) -> float:
        """time.monotonic() of an answer not older than `seconds`, asking for one if need be. Raises ApiUnreachable."""
        heard = self._http.last_heard
        if heard is None or time.monotonic() - heard > seconds:
            await self._http.request("GET", "/version", timeout=timeout)
            heard = self._http.last_heard
        return heard if heard is not None else time.monotonic()

    async def _pieces(self, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
        try:
            async for piece in response.content.iter_any():
                yield piece
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreachable(self.config, error) from error

    def _event(self, line: bytes) -> tuple[str, Object]:
        try:
            event = orjson.loads(line)
            kind, obj = event["type"], event["object"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise ApiUnreachable("the watch is broken", why=f"an event that is none: {line[:100]!r}") from error
        if kind == "ERROR":
            raise from_status(obj, 500, context=self.config.context)
        return kind, obj


def _path(kind: Kind, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
    return kind.path(_segment(namespace), _segment(name), subresource)


def _segment(value: str | None) -> str | None:
    """A name as a path segment. What a user typed must not become another path."""
    if value is None:
        return None
    if not value or "/" in value or value in (".", ".."):
        raise UsageError(f'"{value}" is not a name', why="a name is not empty and has no slash")
    return quote(value, safe=":@")


def _name(obj: Mapping[str, Any]) -> str:
    name = (obj.get("metadata") or {}).get("name")
    if not name:
        raise UsageError("the object has no name", why="metadata.name is empty")
    return str(name)


def _namespace(obj: Mapping[str, Any]) -> str | None:
    return (obj.get("metadata") or {}).get("namespace") or None


def _typed(kind: Kind, obj: Mapping[str, Any], subresource: str | None) -> Mapping[str, Any]:
    """With apiVersion and kind, which the API wants though the path says them. Subresources have kinds of their own."""
    if subresource not in (None, "status"):
        return obj
    return {"apiVersion": kind.api_version, "kind": kind.kind, **obj}


def _write(dry_run: bool, field_manager: str | None, field_validation: str | None) -> dict[str, str | bool | None]:
    return {"dryRun": "All" if dry_run else None, "fieldManager": field_manager, "fieldValidation": field_validation}
