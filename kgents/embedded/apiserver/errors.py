"""The Status answers of the Kubernetes API, raised as exceptions and rendered at the HTTP edge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from kgents.api.errors import KgentsError


class CauseLike(Protocol):
    """One reason why an object is invalid: where, which kind of reason, and a message without the field."""

    @property
    def field(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def message(self) -> str: ...


class StatusError(KgentsError):
    """An answer that is not a success. `status` is the Status object that the client gets."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.details = details
        self.metadata: dict[str, str] = {}
        self.headers = dict(headers or {})

    @property
    def status(self) -> dict[str, Any]:
        """The Status object."""
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": dict(self.metadata),
            "status": "Failure",
            "message": self.what,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = dict(self.details)
        body["code"] = self.code
        return body


def target(group: str, kind: str, name: str = "") -> dict[str, Any]:
    """The `details` that say which object is meant; empty parts are left out."""
    details: dict[str, Any] = {}
    if name:
        details["name"] = name
    if group:
        details["group"] = group
    if kind:
        details["kind"] = kind
    return details


def qualified(group: str, word: str) -> str:
    """`widgets.example.com`, or just `pods` in the core group."""
    return f"{word}.{group}" if group else word


def not_found(group: str, plural: str, name: str) -> StatusError:
    """404: there is no such object."""
    message = f'{qualified(group, plural)} "{name}" not found'
    return StatusError(404, "NotFound", message, details=target(group, plural, name))


def no_such_resource() -> StatusError:
    """404: there is no such kind of object."""
    return StatusError(404, "NotFound", "the server could not find the requested resource", details={})


def method_not_allowed() -> StatusError:
    """405: the resource is there, the verb is not."""
    message = "the server does not allow this method on the requested resource"
    return StatusError(405, "MethodNotAllowed", message, details={})


def already_exists(group: str, plural: str, name: str) -> StatusError:
    """409 on create."""
    message = f'{qualified(group, plural)} "{name}" already exists'
    return StatusError(409, "AlreadyExists", message, details=target(group, plural, name))


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def conflict(group: str, plural: str, name: str, why: str = MODIFIED) -> StatusError:
    """409 on a write that was based on something older."""
    message = f'Operation cannot be fulfilled on {qualified(group, plural)} "{name}": {why}'
    return StatusError(409, "Conflict", message, details=target(group, plural, name))


def bad_request(message: str) -> StatusError:
    """400: the request cannot be understood."""
    return StatusError(400, "BadRequest", message)


def forbidden(group: str, plural: str, name: str, why: str, causes: list[dict[str, str]] | None = None) -> StatusError:
    """403 by a rule of the server itself."""
    message = f'{qualified(group, plural)} "{name}" is forbidden: {why}'
    details = target(group, plural, name)
    if causes:
        details["causes"] = causes
    return StatusError(403, "Forbidden", message, details=details)


def invalid(group: str, kind: str, name: str, causes: Iterable[CauseLike]) -> StatusError:
    """422 with one cause per thing that is wrong."""
    found = list(causes)
    lines = list(dict.fromkeys(f"{c.field}: {c.message}" for c in found))
    text = lines[0] if len(lines) == 1 else "[" + ", ".join(lines) + "]"
    details = target(group, kind, name)
    details["causes"] = [{"reason": c.reason, "message": c.message, "field": c.field} for c in found]
    return StatusError(422, "Invalid", f'{qualified(group, kind)} "{name}" is invalid: {text}', details=details)


def internal(message: str) -> StatusError:
    """500: the server, or somebody whom it had to ask, failed."""
    details = {"causes": [{"message": message}]}
    return StatusError(500, "InternalError", f"Internal error occurred: {message}", details=details)


def expired(message: str) -> StatusError:
    """410: the history asked for is no longer kept."""
    return StatusError(410, "Expired", message)
