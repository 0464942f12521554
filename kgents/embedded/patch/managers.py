"""The entries of metadata.managedFields: who owns what since when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from kgents.embedded.patch.fields import Fields, union

APPLY = "Apply"
UPDATE = "Update"
MAX_UPDATERS = 10
ANCIENT = "ancient-changes"

Identity = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One manager's fields. `time` is RFC 3339 with whole seconds; empty when unknown."""

    manager: str
    operation: str
    api_version: str
    subresource: str
    time: str
    fields: Fields

    @property
    def identity(self) -> Identity:
        """What makes an entry the same manager: appliers are the same whatever version they apply."""
        version = self.api_version if self.operation == UPDATE else ""
        return (self.manager, self.operation, version, self.subresource)

    def having(self, fields: Fields) -> Entry:
        """The same manager with other fields."""
        return self if fields is self.fields else replace(self, fields=fields)

    def title(self) -> str:
        """How conflicts name the manager."""
        text = f'"{self.manager}"'
        if self.subresource:
            text += f' with subresource "{self.subresource}"'
        return f"{text} using {self.api_version}" if self.operation == UPDATE else text


Managers = dict[Identity, Entry]


def decode(entries: Any) -> Managers | None:
    """managedFields as a map; None when it is not well-formed."""
    found: Managers = {}
    if not isinstance(entries, list):
        return None if entries else found
    for raw in entries:
        if not isinstance(raw, dict) or raw.get("fieldsType") != "FieldsV1":
            return None
        fields = raw.get("fieldsV1") or {}
        if not isinstance(fields, dict) or raw.get("operation") not in (APPLY, UPDATE):
            return None
        entry = Entry(
            manager=str(raw.get("manager") or ""),
            operation=raw["operation"],
            api_version=str(raw.get("apiVersion") or ""),
            subresource=str(raw.get("subresource") or ""),
            time=str(raw.get("time") or ""),
            fields=fields,
        )
        known = found.get(entry.identity)
        found[entry.identity] = entry if known is None else entry.having(union(known.fields, fields))
    return found


def encode(managers: Iterable[Entry]) -> list[dict[str, Any]]:
    """managedFields as it is stored: appliers first, then by time, then by name."""
    ordered = sorted(managers, key=lambda e: (e.operation, e.time, e.manager, e.api_version, e.subresource))
    return [_encode(entry) for entry in ordered]


def _encode(entry: Entry) -> dict[str, Any]:
    raw: dict[str, Any] = {
        "manager": entry.manager,
        "operation": entry.operation,
        "apiVersion": entry.api_version,
        "time": entry.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": entry.fields,
    }
    if not entry.time:
        del raw["time"]
    if entry.subresource:
        raw["subresource"] = entry.subresource
    return raw


def cap_updaters(managers: Managers) -> None:
    """Fold the oldest updaters into one bucket, in place, so that the list of managers stays bounded."""
    updaters = sorted((e for e in managers.values() if e.operation == UPDATE), key=lambda e: (e.time, e.manager))
    surplus = len(updaters) - MAX_UPDATERS
    if surplus <= 0:
        return
    for entry in updaters[: surplus + 1]:
        del managers[entry.identity]
        bucket = replace(entry, manager=ANCIENT, subresource="")
        known = managers.get(bucket.identity)
        if known is not None:
            bucket = bucket.having(union(known.fields, entry.fields))
        managers[bucket.identity] = bucket
