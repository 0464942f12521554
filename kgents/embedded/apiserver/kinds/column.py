"""One column of a table: its name, its cell, and the words that describe it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from kgents.embedded.apiserver.age import since

Object = dict[str, Any]
FIELD = "@"
API = "io.k8s.api."
CREATED = (
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed "
    "to be set in happens-before order across separate operations. Clients may not set this value. It is represented "
    "in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
)


class Column(NamedTuple):
    """`text` is the description, or `@core.v1.Event.reason` for that of a field."""

    name: str
    cell: Callable[[Object], Any]
    text: str = ""
    kind: str = "string"
    form: str = ""
    priority: int = 0

    def definition(self) -> Object:
        """The column as a Table declares it."""
        text = _field_text(self.text[1:]) if self.text.startswith(FIELD) else self.text
        return {
            "name": self.name,
            "type": self.kind,
            "format": self.form,
            "description": text,
            "priority": self.priority,
        }


def col(name: str, cell: Callable[[Object], Any], text: str = "", kind: str = "string") -> Column:
    """A column that is always shown."""
    return Column(name, cell, text, kind)


def wide(name: str, cell: Callable[[Object], Any], text: str = "") -> Column:
    """A column for `kubectl get -o wide`."""
    return Column(name, cell, text, priority=1)


def at(obj: Any, path: str, default: Any = None) -> Any:
    """What stands at a dotted path, or the default where the way there ends or leads to nothing."""
    for part in path.split("."):
        obj = obj.get(part) if isinstance(obj, dict) else None
    return default if obj is None else obj


AGE = col("Age", lambda o: since(o["metadata"].get("creationTimestamp")), CREATED)


def _field_text(field: str) -> str:
    return _texts().get(field, "")


@cache
def _texts() -> dict[str, str]:
    """The descriptions of all fields that columns name; reads Kubernetes' definitions once and keeps only these."""
    from kgents.embedded.apiserver.kinds.columns import COLUMNS
    from kgents.embedded.schema.builtin import read_definitions

    definitions = read_definitions()
    found: dict[str, str] = {}
    for column in (one for listed in COLUMNS.values() for one in listed if one.text.startswith(FIELD)):
        owner, _, field = column.text[1:].rpartition(".")
        known = definitions.get(API + owner, {}).get("properties", {}).get(field, {})
        found[column.text[1:]] = str(known.get("description", ""))
    return found
