"""Server-side apply, and the bookkeeping of field owners on every other write.

The rules are those of Kubernetes' structured-merge-diff: an applier owns what it names; an update takes over what it
changes; a field that an applier no longer names goes, unless somebody else owns it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from kgents.embedded.patch import last_applied
from kgents.embedded.patch import managers as owners
from kgents.embedded.patch.errors import PatchError, bad_request, check_patch_depth
from kgents.embedded.patch.fields import (
    Fields,
    difference,
    intersection,
    paths,
    union,
    with_named_fields,
)
from kgents.embedded.patch.managers import APPLY, UPDATE, Entry, Managers
from kgents.embedded.patch.typed import Comparison, NotTyped, check, field_set, merge, remove
from kgents.embedded.schema.causes import Cause
from kgents.embedded.schema.clone import clone
from kgents.embedded.schema.schema import Schema

Object = dict[str, Any]
Conflict = tuple[Entry, Fields]

SYSTEM = frozenset(
    {
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    }
)
"""Metadata that nobody owns."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, when, and which top-level fields this endpoint ignores."""

    manager: str
    now: str
    api_version: str
    subresource: str
    reset: Collection[str]

    def entry(self, operation: str, fields: Fields) -> Entry:
        """This writer's entry."""
        return Entry(self.manager, operation, self.api_version, self.subresource, self.now, fields)


def track_update(
    live: Object | None,
    new: Object,
    schema: Schema,
    *,
    manager: str,
    now: str,
    subresource: str = "",
    reset: Collection[str] = (),
) -> None:
    """Set `new["metadata"]["managedFields"]`, in place, after a create, update or patch.

    `live` is the stored object as it reads in this version, or None on create. What `new` carries as managedFields is
    what the client sent. Never raises: an object that cannot be read through its schema keeps live's entries.
    """
    writer = Writer(manager, now, schema.api_version, subresource, reset)
    metadata: Object = dict(new.get("metadata") or {})
    new["metadata"] = metadata  # a patched copy may share its metadata with the stored object
    sent = metadata.pop("managedFields", None)
    before = ((live or {}).get("metadata") or {}).get("managedFields")
    if sent == [{}] and not subresource:
        if live is not None:
            return
        sent = None
    current = None if subresource else owners.decode(sent)
    if not current:
        current = owners.decode(before) or {}
    if live is not None and not current:
        return
    try:
        updated = _update(live or {}, new, schema, current, writer)
    except NotTyped:
        if before:
            metadata["managedFields"] = before
        return
    if updated:
        metadata["managedFields"] = owners.encode(updated.values())


def _update(live: Object, new: Object, schema: Schema, current: Managers, writer: Writer) -> Managers:
    changes = Comparison(schema.root, _ownable(live, writer.reset), _ownable(new, writer.reset))
    taken = _without_metadata_itself(union(changes.added, changes.modified))
    if not taken and not changes.removed:
        return current
    result = _give_up(current, taken, changes.removed)
    if taken:
        entry = writer.entry(UPDATE, taken)
        known = result.get(entry.identity)
        if known is not None:
            entry = entry.having(union(known.fields, taken))
        result[entry.identity] = entry
        owners.cap_updaters(result)
    return result


def _give_up(current: Managers, taken: Fields, removed: Fields) -> Managers:
    result: Managers = {}
    for identity, entry in current.items():
        left = difference(difference(entry.fields, taken), removed)
        if left:
            result[identity] = entry.having(left)
    return result


def _ownable(obj: Object, reset: Collection[str]) -> Object:
    """The object without what nobody owns."""
    result = {name: value for name, value in obj.items() if name not in ("apiVersion", "kind") and name not in reset}
    metadata = result.get("metadata")
    if isinstance(metadata, dict):
        result["metadata"] = {name: value for name, value in metadata.items() if name not in SYSTEM}
    return result


def _without_metadata_itself(fields: Fields) -> Fields:
    return difference(fields, {"f:metadata": {}}) if "f:metadata" in fields else fields


def apply(
    live: Object | None,
    applied: Object,
    schema: Schema,
    *,
    manager: str,
    now: str,
    force: bool = False,
    subresource: str = "",
    reset: Collection[str] = (),
) -> Object:
    """Server-side apply: the merged object, metadata.managedFields included, neither defaulted nor pruned.

    Raises PatchError: 409 with a cause per conflict, 500 when `applied` does not fit the schema, 400.
    """
    writer = Writer(manager, now, schema.api_version, subresource, reset)
    metadata = applied.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise bad_request("metadata must be an object")
    if metadata.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    check_patch_depth(applied)
    _check_typed(applied, metadata, schema)
    current_object, current = _before(live, schema, writer)
    wanted = _ownable(applied, reset)
    wanted_set = _without_metadata_itself(field_set(schema.root, wanted))
    mine = writer.entry(APPLY, wanted_set)
    last = current.get(mine.identity)
    managers = {**current, mine.identity: mine}
    try:
        merged = merge(schema.root, current_object, applied)
        merged = _drop_abandoned(merged, schema, last, managers)
        changes = Comparison(schema.root, _ownable(current_object, reset), _ownable(merged, reset))
    except NotTyped as error:
        raise PatchError(f"failed to apply to the live object: {error}", code=500, reason="") from error
    managers, conflicts = _settle(managers, mine, changes)
    if conflicts and not force:
        _allow(conflicts, current_object, schema, manager)
    if last is not None and last.fields == wanted_set and not (changes.added or changes.modified or changes.removed):
        managers[mine.identity] = last
    merged = _with_managers(merged, live, managers)
    if manager == last_applied.MANAGER and not subresource:
        last_applied.follow(merged, applied)
    return merged


def _with_managers(merged: Object, live: Object | None, managers: Managers) -> Object:
    merged = clone(merged)  # callers default it in place; the live object must not change with it
    merged.setdefault("metadata", {})
    before = ((live or {}).get("metadata") or {}).get("managedFields")
    entries = owners.encode(managers.values())
    if before and owners.decode(before) == managers:
        entries = before
    if entries:
        merged["metadata"]["managedFields"] = entries
    return merged


def _check_typed(applied: Object, metadata: Object, schema: Schema) -> None:
    problems = check(schema.root, applied)
    if not problems:
        return
    text = problems[0] if len(problems) == 1 else "errors:\n" + "\n".join(f"  {one}" for one in problems)
    where = f"{metadata.get('namespace') or ''}/{metadata.get('name') or ''}"
    version = schema.api_version if schema.group else f"/{schema.version}"
    raise PatchError(
        f"failed to create typed patch object ({where}; {version}, Kind={schema.kind}): {text}", code=500, reason=""
    )


def _before(live: Object | None, schema: Schema, writer: Writer) -> tuple[Object, Managers]:
    """The live object without its entries, and the entries; what was never tracked belongs to a manager of its own."""
    if live is None:
        return {}, {}
    metadata = dict(live.get("metadata") or {})
    current = owners.decode(metadata.pop("managedFields", None)) or {}
    bare = {**live, "metadata": metadata}
    if not current:
        first = Writer("before-first-apply", writer.now, writer.api_version, "", ())
        current = _update({}, bare, schema, {}, first)
    return bare, current


def _drop_abandoned(merged: Object, schema: Schema, last: Entry | None, managers: Managers) -> Object:
    """Remove what this manager applied last time, does not apply now, and nobody else owns."""
    if last is None or not last.fields:
        return merged
    root = schema.root
    owned: Fields = {}
    for entry in managers.values():
        owned = union(owned, entry.fields)
    given_up = difference(with_named_fields(last.fields, root), with_named_fields(owned, root))
    present = with_named_fields(field_set(root, merged), root)
    given_up = intersection(given_up, present)
    left: Object = remove(root, merged, given_up)
    return left


def _settle(managers: Managers, mine: Entry, changes: Comparison) -> tuple[Managers, list[Conflict]]:
    """Take what changes from its owners, and say from whom."""
    taken = union(changes.added, changes.modified)
    result: Managers = {}
    conflicts: list[Conflict] = []
    for identity, entry in managers.items():
        left = entry.fields
        if identity != mine.identity:
            disputed = intersection(left, taken)
            if disputed:
                conflicts.append((entry, disputed))
                left = difference(left, disputed)
            left = difference(left, changes.removed)
        if left:
            result[identity] = entry.having(left)
    return result, conflicts


def _allow(conflicts: Sequence[Conflict], live: Object, schema: Schema, manager: str) -> None:
    """Raise 409 for conflicts other than those of kubectl with what it once applied from the client's side."""
    known = last_applied.taken_over(live, schema) if manager == last_applied.MANAGER else {}
    remaining = [(entry, left) for entry, fields in conflicts if (left := difference(fields, known))]
    if remaining:
        raise _conflict(remaining)


def _conflict(conflicts: Sequence[Conflict]) -> PatchError:
    causes: list[Cause] = []
    lines: list[str] = []
    for entry, fields in sorted(conflicts, key=lambda conflict: conflict[0].identity):
        lines.append(f"conflicts with {entry.title()}:")
        for path in paths(fields):
            causes.append(Cause(path, "FieldManagerConflict", f"conflict with {entry.title()}"))
            lines.append(f"- {path}")
    if len(causes) == 1:
        message = f"Apply failed with 1 conflict: {causes[0].message}: {causes[0].field}"
    else:
        message = f"Apply failed with {len(causes)} conflicts: " + "\n".join(lines)
    return PatchError(message, code=409, reason="Conflict", causes=causes)


def apply_scale(
    live: Object,
    replicas: int,
    path: Sequence[str],
    schema: Schema,
    *,
    manager: str,
    now: str,
    force: bool = False,
) -> Object:
    """Apply through /scale: the one field at `path`, owned with the subresource "scale"."""
    body: Object = {}
    inner = body
    for name in path[:-1]:
        inner = inner.setdefault(name, {})
    inner[path[-1]] = replicas
    return apply(live, body, schema, manager=manager, now=now, force=force, subresource="scale")
