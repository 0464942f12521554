"""HTTPS to one API server with the standard library alone: one connection, kept open, opened again when it is lost."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from kgents.api.errors import KgentsError, NotFound, Refused, Unreachable
from kgents.api.kinds import Kind
from kgents.api.operations.requests import Create, Delete, Discover, Get, List, Patch, Request, WhoAmI
from kgents.kube.config import ClusterConfig

PATIENCE = 30.0
FIELD_MANAGER = "kgents-sdk"
_TYPES = {
    "apply": "application/apply-patch+yaml",
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
}
_LOST = (ConnectionError, http.client.HTTPException, socket.timeout, ssl.SSLError, OSError)


class Conflict(KgentsError):
    """Somebody else was faster."""


class Busy(Refused):
    """Too much in too short a time. `retry_after` in seconds."""

    retry_after = 1.0


class Api:
    """Makes the requests of operations. May be shared by threads: they take turns."""

    def __init__(self, config: ClusterConfig) -> None:
        self.config = config
        self._url = urlsplit(config.server)
        self._lock = threading.Lock()
        self._connection: http.client.HTTPConnection | None = None

    def send(self, request: Request) -> Any:
        """What the request answers. Raises KgentsError: NotFound, Refused, Conflict, Unreachable …"""
        match request:
            case Get(kind, name, namespace):
                return self.call("GET", _path(kind, namespace, name))
            case List(kind, namespace):
                return self._list(kind, namespace)
            case Create(kind, obj, namespace):
                return self.call("POST", _path(kind, namespace), obj, fieldManager=FIELD_MANAGER)
            case Patch():
                return self._patch(request)
            case Delete(kind, name, namespace):
                return self.call("DELETE", _path(kind, namespace, name), {"propagationPolicy": "Background"})
            case WhoAmI():
                review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
                said = self.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
                return str(said["status"]["userInfo"]["username"])
            case Discover(api_version, name):
                return self._discover(api_version, name)

    def call(self, method: str, path: str, body: Any = None, *, type: str = "application/json", **params: str) -> Any:
        """One exchange, and its JSON."""
        target = f"{self._url.path.rstrip('/')}{path}" + (f"?{urlencode(params)}" if params else "")
        headers = {"Accept": "application/json", "Content-Type": type, **self._credentials()}
        data = None if body is None else json.dumps(body).encode()
        status, answer = self._exchange(method, target, data, headers)
        if status >= 400:
            raise _refusal(status, answer)
        return answer

    def _exchange(self, method: str, target: str, data: bytes | None, headers: dict[str, str]) -> tuple[int, Any]:
        with self._lock:
            # A kept connection may have been closed meanwhile: what was not answered at all on it is asked once more.
            for fresh in (self._connection is None, True):
                try:
                    connection = self._connect() if fresh or self._connection is None else self._connection
                    connection.request(method, target, body=data, headers=headers)
                    response = connection.getresponse()
                    return response.status, _decoded(response.read())
                except _LOST as error:
                    self._drop()
                    if fresh:
                        raise Unreachable(
                            f"the API server at {self.config.server} does not answer", why=str(error)
                        ) from error
        raise AssertionError("unreachable")

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "http":
            made = http.client.HTTPConnection(host, port or 80, timeout=PATIENCE)
        else:
            made = http.client.HTTPSConnection(host, port or 443, timeout=PATIENCE, context=_tls(self.config))
        self._connection = made
        return made

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _credentials(self) -> dict[str, str]:
        config = self.config
        # Read each time: the kubelet renews a pod's token while it runs.
        token = Path(config.token_file).read_text().strip() if config.token_file else config.token
        if token:
            return {"Authorization": f"Bearer {token}"}
        if config.username is not None:
            basic = base64.b64encode(f"{config.username}:{config.password or ''}".encode()).decode()
            return {"Authorization": f"Basic {basic}"}
        if config.exec is not None:
            raise Refused(
                "the SDK cannot log in with an exec plugin", fix="Use a context with a token or a certificate"
            )
        return {}

    def _list(self, kind: Kind, namespace: str) -> list[Any]:
        items: list[Any] = []
        page: dict[str, Any] = {"metadata": {"continue": ""}}
        while page.get("metadata", {}).get("continue") is not None:
            token = page["metadata"]["continue"]
            more = {"continue": token} if token else {}
            page = self.call("GET", _path(kind, namespace), limit="500", **more)
            items += page.get("items") or []
            if not page.get("metadata", {}).get("continue"):
                return items
        return items

    def _patch(self, request: Patch) -> Any:
        path = _path(request.kind, request.namespace, request.name, request.subresource)
        params = {"fieldManager": FIELD_MANAGER} | ({"dryRun": "All"} if request.dry_run else {})
        params |= {"force": "true"} if request.type == "apply" else {}
        return self.call("PATCH", path, request.content, type=_TYPES[request.type], **params)

    def _discover(self, api_version: str, kind: str) -> Kind:
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        for found in self.call("GET", root).get("resources") or ():
            if found["kind"] == kind and "/" not in found["name"]:
                return Kind(kind, found["name"], api_version, namespaced=bool(found["namespaced"]))
        raise NotFound(f"the cluster knows no {kind} in {api_version}")


def _path(kind: Kind, namespace: str, name: str = "", subresource: str = "") -> str:
    return kind.path(quote(namespace, safe=""), quote(name, safe="") or None, subresource or None)


def _tls(config: ClusterConfig) -> ssl.SSLContext:
    cadata = config.ca_data.decode() if config.ca_data else None
    context = ssl.create_default_context(cafile=None if cadata else config.ca_file, cadata=cadata)
    if config.insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if config.client_cert_file and config.client_key_file:
        context.load_cert_chain(config.client_cert_file, config.client_key_file)
    return context


def _decoded(data: bytes) -> Any:
    try:
        return json.loads(data) if data else {}
    except ValueError:
        return {"message": data[:300].decode("utf-8", "replace")}


def _refusal(status: int, answer: Any) -> KgentsError:
    said = answer if isinstance(answer, dict) else {}
    message = str(said.get("message") or f"the API server answered {status}")
    if status == 429:
        busy = Busy(message)
        busy.retry_after = float((said.get("details") or {}).get("retryAfterSeconds") or 1.0)
        return busy
    made = {401: Refused, 403: Refused, 404: NotFound, 409: Conflict}.get(status, KgentsError)
    return made(message)
