"""The query options of writes, checked before anything else happens."""

from __future__ import annotations

from collections.abc import Sequence

from kgents.embedded.apiserver.calls import Call
from kgents.embedded.apiserver.errors import invalid
from kgents.embedded.schema.causes import Cause, forbidden, not_supported, required, too_long
from kgents.embedded.schema.causes import invalid as cause

FIELD_VALIDATION = ("", "Ignore", "Strict", "Warn")
MANAGER_BYTES = 128


def check_options(call: Call, kind: str, *, applies: bool = False) -> None:
    """Raises 422 for a dryRun, fieldValidation, fieldManager or force that is not one.

    `kind` is CreateOptions, UpdateOptions or PatchOptions; `applies` says that the patch is an apply.
    """
    query = call.info.query
    causes = _patch(query, applies=applies) if kind == "PatchOptions" else []
    causes += _manager(query.get("fieldManager", ""))
    causes += dry_run(call.info.dry_runs)
    if query.get("fieldValidation", "") not in FIELD_VALIDATION:
        causes.append(not_supported("fieldValidation", query["fieldValidation"], FIELD_VALIDATION))
    if causes:
        raise invalid("meta.k8s.io", kind, "", causes)


def dry_run(values: Sequence[str]) -> list[Cause]:
    """The only dry run is one of everything."""
    wrong = any(value != "All" for value in values)
    return [not_supported("dryRun", list(values), ["All"])] if wrong else []


def _patch(query: dict[str, str], *, applies: bool) -> list[Cause]:
    if applies:
        return [] if query.get("fieldManager") else [required("fieldManager", "is required for apply patch")]
    return [forbidden("force", "may not be specified for non-apply patch")] if "force" in query else []


def _manager(name: str) -> list[Cause]:
    causes = [too_long("fieldManager", MANAGER_BYTES)] if len(name.encode()) > MANAGER_BYTES else []
    for index, char in enumerate(name):
        if not char.isprintable():
            at = len(name[:index].encode())
            causes.append(cause("fieldManager", name, f"invalid character U+{ord(char):04X} (at position {at})"))
    return causes
