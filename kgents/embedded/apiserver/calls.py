"""One request on its way through the server, and the answer it comes back with."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from kgents.embedded.apiserver.requests import RequestInfo

if TYPE_CHECKING:
    from kgents.embedded.apiserver.api import Api
    from kgents.embedded.apiserver.registry import Resource
    from kgents.embedded.auth.user import User

JSON = "application/json"


@dataclass(slots=True)
class Call:
    """A request with who asks and what it is about. `content_type` has no parameters."""

    api: Api
    info: RequestInfo
    user: User
    resource: Resource
    headers: Mapping[str, str]
    body: bytes = b""
    content_type: str = JSON
    warnings: list[str] = field(default_factory=list)
    now: str = field(default_factory=lambda: timestamp())

    @property
    def namespace(self) -> str:
        """The namespace part of the object's key; empty for kinds without one."""
        return self.info.namespace if self.resource.namespaced else ""

    @property
    def dry_run(self) -> bool:
        """Whether nothing may be stored."""
        return "dryRun" in self.info.query

    @property
    def manager(self) -> str:
        """Who owns the fields that this write sets."""
        named = self.info.query.get("fieldManager")
        return named or self.headers.get("User-Agent", "").split("/", 1)[0] or "unknown"


@dataclass(slots=True)
class Answer:
    """What goes back to the client."""

    body: bytes
    code: int = 200
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: Any, code: int = 200) -> Answer:
        """An answer from a value not yet serialised."""
        return cls(orjson.dumps(value), code)


def later(moment: str, seconds: float) -> str:
    """A timestamp so many seconds after (or, negative, before) another."""
    known = datetime.fromisoformat(moment)
    return (known + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def timestamp(ahead: float = 0.0) -> str:
    """Now (or some seconds ahead), as Kubernetes writes times: RFC 3339, whole seconds, UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + ahead))
