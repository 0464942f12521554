"""What the API server says no with, as errors of kgents.

ApiError                        any answer that is not a success; `status`, `reason`, `details`, `causes`
├── ObjectNotFound  404         also a NotFound (exit 3)
├── Forbidden       401, 403    also a Refused (exit 4)
├── Conflict        409
│   └── AlreadyExists
├── Gone            410         a resourceVersion or a continue token that is too old
├── Invalid         400, 422
└── TooManyRequests 429         `retry_after` seconds
ApiUnreachable                  no answer at all; an Unreachable (exit 5)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kgents.api.errors import KgentsError, NotFound, Refused, Unreachable


class ApiError(KgentsError):
    """The API server answered, and not with a success. `message` is its own text."""

    def __init__(
        self,
        status: int,
        reason: str = "",
        message: str = "",
        *,
        details: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
        fix: str = "",
    ) -> None:
        super().__init__(message or f"the API server answered {status} {reason}".rstrip(), fix=fix)
        self.status = status
        self.reason = reason
        self.message = message
        self.details: dict[str, Any] = dict(details or {})
        self.retry_after = retry_after

    @property
    def causes(self) -> list[dict[str, Any]]:
        """One entry for each thing that is wrong: `{reason, message, field}`."""
        return list(self.details.get("causes") or [])


class ObjectNotFound(ApiError, NotFound):
    """404: no such object, or no such resource."""


class Forbidden(ApiError, Refused):
    """401 or 403: the server does not know the caller, or does not let him."""


class Conflict(ApiError):
    """409: the object changed meanwhile, or a field belongs to another manager."""


class AlreadyExists(Conflict):
    """409: an object of that name is there."""


class Gone(ApiError):
    """410: the resourceVersion or continue token is too old. List again."""


class Invalid(ApiError):
    """400 or 422: the object is not valid; `causes` says where."""


class TooManyRequests(ApiError):
    """429: the server asks for patience."""


class ApiUnreachable(Unreachable):
    """No answer: refused, timed out, broken off, or not to be trusted (TLS)."""


_CLASSES: dict[int, type[ApiError]] = {
    400: Invalid,
    401: Forbidden,
    403: Forbidden,
    404: ObjectNotFound,
    409: Conflict,
    410: Gone,
    422: Invalid,
    429: TooManyRequests,
}


def from_status(body: object, status: int, *, retry_after: float | None = None, context: str = "") -> ApiError:
    """The error for an answer. `body` is a Status object, or whatever came in its place."""
    document: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    code = document.get("code")
    status = code if isinstance(code, int) and code >= 400 else status
    reason = str(document.get("reason") or "")
    message = str(document.get("message") or "") or _plain(body)
    details = document.get("details")
    fix = ""
    if status == 401:
        message = "the API server does not accept the credentials"
        fix = f"Renew those of context {context}" if context else ""
    made = AlreadyExists if reason == "AlreadyExists" else _CLASSES.get(status, ApiError)
    return made(
        status,
        reason,
        message,
        details=details if isinstance(details, Mapping) else None,
        retry_after=retry_after,
        fix=fix,
    )


def _plain(body: object) -> str:
    text = body if isinstance(body, str) else json.dumps(body, default=str) if body else ""
    return " ".join(text.split())[:300]
