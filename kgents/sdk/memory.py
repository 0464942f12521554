"""What an agent remembers: a client of the memory sidecar (D-gent) in its pod."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from kgents.api.errors import KgentsError, NotFound, Refused, Unreachable, UsageError

URL, TOKEN_FILE = "KGENTS_MEMORY_URL", "KGENTS_MEMORY_TOKEN_FILE"
PATIENCE = 10.0


class Full(KgentsError):
    """The memory has no room left."""


class Memory:
    """Keys and JSON values. Raises UsageError where the agent has no memory (`symbionts.memory.enabled`)."""

    def __init__(self, url: str | None = None, token_file: str | None = None) -> None:
        self._url = url or os.environ.get(URL) or ""
        self._token_file = token_file or os.environ.get(TOKEN_FILE) or ""

    def put(self, key: str, value: Any) -> None:
        self._call("PUT", _at(key), value)

    def get(self, key: str, default: Any = None) -> Any:
        """The value, or `default` when there is none."""
        try:
            return self._call("GET", _at(key))["value"]
        except NotFound:
            return default

    def append(self, key: str, item: Any) -> int:
        """Adds to the list at `key`, made if need be. Returns its length."""
        return int(self._call("POST", f"{_at(key)}/append", item)["length"])

    def forget(self, key: str) -> None:
        self._call("DELETE", _at(key))

    def keys(self, prefix: str = "") -> Iterator[str]:
        """All keys with this prefix, in order."""
        after = ""
        while True:
            page = self._call("GET", "/v1/keys?" + urlencode({"prefix": prefix, "after": after, "limit": 500}))["keys"]
            if not page:
                return
            yield from page  # Fewer than asked for does not mean the last: long keys make short pages.
            after = page[-1]

    def search(self, text: str, limit: int = 10) -> list[dict[str, Any]]:
        """The best matches first: {"key", "value", "score"}."""
        found = self._call("GET", "/v1/search?" + urlencode({"q": text, "limit": limit}))
        return list(found["matches"])

    def status(self) -> dict[str, Any]:
        """{"type", "sizeBytes", "usedBytes", "entries", "lastAccess"}; of a Vector also "embedding" {kind, message}."""
        return dict(self._call("GET", "/v1/status"))

    def snapshot(self) -> bytes:
        """The whole memory as one SQLite file."""
        return bytes(self._raw("GET", "/v1/snapshot", None))

    def restore(self, snapshot: bytes) -> int:
        """Puts what a snapshot holds in the place of everything. Returns the number of keys."""
        return int(json.loads(self._raw("PUT", "/v1/snapshot", snapshot))["entries"])

    def _call(self, method: str, path: str, value: Any = ...) -> Any:
        try:
            body = None if value is ... else json.dumps(value, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise UsageError("only JSON values can be remembered", why=str(error)) from error
        return json.loads(self._raw(method, path, body) or b"{}")

    def _raw(self, method: str, path: str, body: bytes | None) -> bytes:
        import http.client

        if not self._url:
            raise UsageError("this agent has no memory", fix="Enable it: symbionts: {memory: {enabled: true}}")
        where, token = urlsplit(self._url), self._token()
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE)
        try:
            headers = {"Authorization": f"Bearer {token}"}
            connection.request(method, path, body=body, headers=headers | {"Content-Type": "application/json"})
            response = connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable("the memory sidecar does not answer", why=str(error)) from error
        finally:
            connection.close()
        if response.status >= 400:
            raise _refusal(response.status, data)
        return data

    def _token(self) -> str:
        """Read for each call: a sidecar that lost its file has made a new one."""
        path = Path(self._token_file)
        root = os.environ.get("KGENTS_POD_ROOT")
        if root and not path.exists():
            path = Path(root, *path.parts[1:])  # where mounts are refused, they stand there
        try:
            return path.read_bytes().decode("ascii").strip()
        except (OSError, ValueError) as error:
            fix = "A pod whose containers run as several users needs a securityContext.fsGroup."
            raise Refused("the memory's token cannot be read", why=str(error), fix=fix) from error


def _at(key: str) -> str:
    return f"/v1/keys/{quote(key, safe='')}"


def _refusal(status: int, data: bytes) -> KgentsError:
    try:
        message = str(json.loads(data)["error"])
    except (ValueError, KeyError, TypeError):
        message = data[:200].decode("utf-8", "replace") or f"the memory sidecar answered {status}"
    made = {401: Refused, 403: Refused, 404: NotFound, 400: UsageError, 413: UsageError, 507: Full}.get(
        status, KgentsError
    )
    return made(message)
