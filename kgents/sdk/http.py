"""The requests of operations, carried out over HTTPS with the standard library alone."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from kgents.api.errors import NotFound, Refused
from kgents.api.kinds import SERVICE_ACCOUNT, Kind
from kgents.api.operations.requests import Create, Delete, Discover, Get, List, Patch, Request, WhoAmI
from kgents.kube.errors import AlreadyExists, ApiError, Gone, ObjectNotFound, TooManyRequests, from_status
from kgents.sdk.connections import NOT_NOW, Connection, Connections, Headers, Reply
from kgents.sdk.login import Login

FIELD_MANAGER = "kgents-sdk"
PAGE = 500
_JSON = "application/json"
_TYPES = {
    "apply": "application/apply-patch+yaml",
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
}


class Api:
    """One API server, as one user. May be shared by threads, and used on after a fork.

    `patience`: for how many seconds it tries again while the server is away. `wait_if_busy`: for how many seconds, in
    all, one call waits when it is told that it comes too early (429); then it raises TooManyRequests.
    """

    def __init__(self, login: Login, *, patience: float = 10.0, wait_if_busy: float = 0.0) -> None:
        self.login, self.patience = login, patience
        self._wait_if_busy = wait_if_busy
        self._root = urlsplit(login.config.server).path.rstrip("/")
        self._connections = Connections(login, patience)

    def send(self, request: Request) -> Any:
        """What the request answers. Raises KgentsError: NotFound, Refused, Conflict, TooManyRequests, Unreachable …"""
        match request:
            case Get(kind, name, namespace):
                return self.call("GET", path_of(kind, namespace, name))
            case List(kind, namespace):
                return self.list(kind, namespace)[0]
            case Create(kind, obj, namespace):
                return self._create(kind, obj, namespace)
            case Patch():
                return self._patch(request)
            case Delete(kind, name, namespace):
                return self._delete(kind, name, namespace)
            case WhoAmI():
                review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
                said = self.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
                return str(said["status"]["userInfo"]["username"])
            case Discover(api_version, name):
                return self._discover(api_version, name)

    def call(self, method: str, path: str, body: Any = None, **params: str) -> Any:
        """One exchange that may be repeated without harm, and its JSON."""
        return _decoded(self._exchange(method, path, body, params))

    def text(self, path: str, **params: str) -> str:
        """An answer that is text, such as a log."""
        return self._exchange("GET", path, None, params).data.decode("utf-8", "replace")

    def list(self, kind: Kind, namespace: str) -> tuple[list[Any], str]:
        """All objects, page by page, and the resourceVersion of that list, from which a watch goes on."""
        while True:
            items: list[Any] = []
            token = ""
            try:
                while True:
                    more = {"continue": token} if token else {}
                    page = self.call("GET", path_of(kind, namespace), limit=str(PAGE), **more)
                    items += page.get("items") or []
                    token = page["metadata"].get("continue") or ""
                    if not token:
                        return items, str(page["metadata"].get("resourceVersion") or "")
            except Gone:
                if not token:
                    raise
                # The pages are older than what the server remembers: begin again.

    def token(self, account: str, namespace: str, seconds: int) -> Any:
        """The answered TokenRequest for a ServiceAccount. Raises NotFound when there is none of that name."""
        asked = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds},
        }
        return self.call("POST", path_of(SERVICE_ACCOUNT, namespace, account, "token"), asked)

    def open_stream(self, path: str, **params: str) -> tuple[Connection, Any]:
        """A connection of its own, and the answer on it that goes on, to be read line by line.

        Raises OSError or HTTPException when the server is away, KgentsError when it refuses.
        """
        connection = self._connections.open()
        try:
            response = connection.ask("GET", self._target(path, params), self._headers(_JSON), None)
            if response.status < 400:
                return connection, response
            reply = Reply(response.status, response.read(), None, False)
        except BaseException:
            connection.close()
            raise
        connection.close()
        if reply.status == NOT_NOW or (reply.status == 401 and self.login.renew()):
            raise ConnectionError(f"it answered {reply.status}")  # One that asks again is helped.
        raise _refusal(reply, self.login.config.context)

    def _exchange(
        self,
        method: str,
        path: str,
        body: Any,
        params: Mapping[str, str],
        *,
        type: str = _JSON,
        once: bool = False,
        done: int = 0,
    ) -> Reply:
        """`once`: never repeated. `done`: the status that tells, after a repeat, that an earlier try did it."""
        target, data = self._target(path, params), None if body is None else json.dumps(body).encode()
        until = time.monotonic() + self._wait_if_busy
        renewed = False
        while True:
            reply = self._connections.exchange(method, target, self._headers(type), data, repeatable=not once)
            if reply.status < 400 or (reply.again and reply.status == done):
                return reply
            if reply.status == 401 and not renewed and self.login.renew():
                renewed = True
                self._connections.forget_certificate()
                continue
            error = _refusal(reply, self.login.config.context)
            pause = (error.retry_after or 1.0) if isinstance(error, TooManyRequests) else None
            if pause is None or time.monotonic() + pause > until:
                raise error
            time.sleep(pause)

    def _create(self, kind: Kind, obj: Mapping[str, Any], namespace: str) -> Any:
        name = str(obj["metadata"].get("name") or "")
        params = {"fieldManager": FIELD_MANAGER}
        # What the server names itself would be made twice.
        reply = self._exchange("POST", path_of(kind, namespace), obj, params, once=not name, done=409)
        if reply.status < 400:
            return _decoded(reply)
        refusal = _refusal(reply, self.login.config.context)
        if not isinstance(refusal, AlreadyExists):
            raise refusal
        try:
            found = self.call("GET", path_of(kind, namespace, name))
        except (Refused, NotFound):
            return obj  # Nobody lets us look, or it has gone again: it was made as it was asked for.
        if not _covers(found.get("spec"), obj.get("spec")):
            raise refusal
        return found

    def _patch(self, request: Patch) -> Any:
        path = path_of(request.kind, request.namespace, request.name, request.subresource)
        params = {"fieldManager": FIELD_MANAGER} | ({"dryRun": "All"} if request.dry_run else {})
        content = request.content
        if request.type == "apply":
            params["force"] = "true"
            content = {**content, "metadata": {**(content.get("metadata") or {}), "name": request.name}}
        # A JSON patch may append to a list: twice is not once.
        once = request.type == "json" and not request.dry_run
        return _decoded(self._exchange("PATCH", path, content, params, type=_TYPES[request.type], once=once))

    def _delete(self, kind: Kind, name: str, namespace: str) -> None:
        self._exchange("DELETE", path_of(kind, namespace, name), {"propagationPolicy": "Background"}, {}, done=404)

    def _discover(self, api_version: str, kind: str) -> Kind:
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        for found in self.call("GET", root).get("resources") or ():
            if found["kind"] == kind and "/" not in found["name"]:
                return Kind(kind, found["name"], api_version, namespaced=bool(found["namespaced"]))
        raise ObjectNotFound(404, "NotFound", f"the cluster knows no {kind} in {api_version}")

    def _target(self, path: str, params: Mapping[str, str]) -> str:
        return f"{self._root}{path}" + (f"?{urlencode(params)}" if params else "")

    def _headers(self, type: str) -> Headers:
        return [("Accept", _JSON), ("Content-Type", type), ("User-Agent", FIELD_MANAGER), *self.login.headers()]


def path_of(kind: Kind, namespace: str, name: str = "", subresource: str = "") -> str:
    """Its URL path; names are quoted, so that none of them leads elsewhere."""
    return kind.path(quote(namespace, safe=""), quote(name, safe="") or None, subresource or None)


def _decoded(reply: Reply) -> Any:
    return json.loads(reply.data) if reply.data else {}


def _refusal(reply: Reply, context: str) -> ApiError:
    try:
        body = json.loads(reply.data)
    except ValueError:
        body = reply.data[:300].decode("utf-8", "replace")
    after = reply.retry_after
    if after is None and isinstance(body, dict) and isinstance(body.get("details"), dict):
        after = float(body["details"].get("retryAfterSeconds") or 0) or None
    return from_status(body, reply.status, retry_after=after, context=context)


def _covers(found: Any, asked: Any) -> bool:
    """Whether `found` says all that was asked for; the server may have added to it."""
    if isinstance(asked, Mapping):
        return isinstance(found, Mapping) and all(_covers(found.get(key), value) for key, value in asked.items())
    return bool(found == asked)
