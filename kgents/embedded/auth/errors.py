"""Refusals that carry the exact Kubernetes `Status` a client is to receive.

AuthError
├── Unauthorized   401   no valid credential
├── Forbidden      403   a valid one that does not suffice
└── BadReview      400, 404, 422   a question that cannot be answered
"""

from __future__ import annotations

from typing import Any

from kgents.api.errors import KgentsError


def status(code: int, reason: str, message: str, details: dict[str, Any] | None) -> dict[str, Any]:
    """A failure as Kubernetes writes it; `details` None leaves the field out."""
    body: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "details": details,
        "code": code,
    }
    if not reason:
        del body["reason"]
    if details is None:
        del body["details"]
    return body


class AuthError(KgentsError):
    """A refused request. `code` is the HTTP status, `status` the body to answer."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status(code, reason, message, details)


class Unauthorized(AuthError):
    """No credential of this request is valid."""

    def __init__(self) -> None:
        super().__init__(401, "Unauthorized", "Unauthorized")


class Forbidden(AuthError):
    """The user is known and may not do this."""

    def __init__(self, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(403, "Forbidden", message, {} if details is None else details)


class BadReview(AuthError):
    """A review, token request or impersonation that cannot be understood."""


def bad_request(message: str) -> BadReview:
    """A 400 with `message`."""
    return BadReview(400, "BadRequest", message)


def not_found(resource: str, name: str) -> BadReview:
    """The 404 of a core resource."""
    return BadReview(404, "NotFound", f'{resource} "{name}" not found', {"name": name, "kind": resource})


def invalid(kind: str, group: str, name: str, causes: list[tuple[str, str, str]]) -> BadReview:
    """A 422. Each cause is `(reason, field, message)`."""
    whole = ", ".join(f"{field}: {message}" for _, field, message in causes)
    if len(causes) > 1:
        whole = f"[{whole}]"
    qualified = f"{kind}.{group}" if group else kind
    details: dict[str, Any] = {"name": name, "group": group, "kind": kind}
    details = {key: value for key, value in details.items() if value}
    details["causes"] = [{"reason": reason, "message": message, "field": field} for reason, field, message in causes]
    return BadReview(422, "Invalid", f'{qualified} "{name}" is invalid: {whole}', details)
