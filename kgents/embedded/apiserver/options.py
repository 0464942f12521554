"""The query options of writes, checked before anything else happens."""

from __future__ import annotations

from kgents.embedded.apiserver.calls import Call
from kgents.embedded.apiserver.errors import invalid
from kgents.embedded.schema.causes import Cause, not_supported

FIELD_VALIDATION = ("", "Ignore", "Strict", "Warn")


def check_options(call: Call, kind: str) -> None:
    """Raises 422 for a dryRun, fieldValidation or fieldManager that is not one."""
    query = call.info.query
    causes: list[Cause] = []
    if query.get("dryRun", "All") != "All":
        causes.append(not_supported("dryRun", [query["dryRun"]], ["All"]))
    if query.get("fieldValidation", "") not in FIELD_VALIDATION:
        causes.append(not_supported("fieldValidation", query["fieldValidation"], FIELD_VALIDATION))
    if len(query.get("fieldManager", "")) > 128:
        causes.append(Cause("fieldManager", "FieldValueTooLong", "Too long: may not be more than 128 bytes"))
    if causes:
        raise invalid("meta.k8s.io", kind, "", causes)
