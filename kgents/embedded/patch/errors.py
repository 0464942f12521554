"""A patch that cannot be applied, carrying the Status that Kubernetes would answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kgents.api.errors import KgentsError
from kgents.embedded.schema.causes import Cause
from kgents.embedded.schema.depth import TooDeep, check_depth


class PatchError(KgentsError):
    """`code`, `reason`, `message` and `causes` are those of the Status to answer."""

    def __init__(self, message: str, *, code: int = 422, reason: str = "Invalid", causes: Sequence[Cause] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.causes = tuple(causes)

    def status(self) -> dict[str, Any]:
        """The whole Status object."""
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.causes:
            body["details"] = {"causes": [cause.to_dict() for cause in self.causes]}
        elif self.code == 422:
            body["details"] = {}
        body["code"] = self.code
        return body


def check_patch_depth(patch: Any) -> None:
    """Refuse (400) a patch that is nested deeper than any object may be."""
    try:
        check_depth(patch)
    except TooDeep as error:
        raise bad_request(f"error decoding patch: {error}") from error


def bad_request(message: str) -> PatchError:
    """A patch that cannot be read (400)."""
    return PatchError(message, code=400, reason="BadRequest")
