"""Tables: what `kubectl get` prints. Custom resources bring their own columns, built-in kinds have theirs here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from kgents.embedded.apiserver.age import age, parse_time
from kgents.embedded.apiserver.calls import Call
from kgents.embedded.apiserver.forms import partial
from kgents.embedded.apiserver.jsonpath import find
from kgents.embedded.apiserver.kinds.cells_pods import CONDITIONS
from kgents.embedded.apiserver.kinds.column import CREATED
from kgents.embedded.apiserver.kinds.columns import COLUMNS, NAMELESS
from kgents.embedded.apiserver.watch import frame

Object = dict[str, Any]
NAME_TEXT = (
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a "
    "client to request the generation of an appropriate name automatically. Name is primarily intended for creation "
    "idempotence and configuration definition. Cannot be updated. More info: "
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names"
)
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def column(name: str, kind: str = "string", form: str = "", text: str = "", priority: int = 0) -> Object:
    """One column definition."""
    return {"name": name, "type": kind, "format": form, "description": text, "priority": priority}


def table(call: Call, objects: Sequence[Object], version: str, meta: Mapping[str, Any] | None = None) -> Object:
    """A whole Table of these objects. Without `meta`, the one object's version is the table's."""
    if meta is None:
        meta = {"resourceVersion": (objects[0].get("metadata") or {}).get("resourceVersion", "")} if objects else {}
    columns, rows = _columns(call), [_row(call, obj, version) for obj in objects]
    api_version = f"meta.k8s.io/{version}"
    return {
        "kind": "Table",
        "apiVersion": api_version,
        "metadata": dict(meta),
        "columnDefinitions": columns,
        "rows": rows,
    }


class TableStream:
    """A watch as Tables: the first event has the columns, later ones only rows."""

    def __init__(self, call: Call, version: str) -> None:
        self._call = call
        self._version = version
        self._told = False

    def show(self, kind: str, obj: Object) -> bytes:
        """One event about an object that may be no more than its metadata, as a bookmark's is."""
        one = table(self._call, [obj], self._version)
        if self._told:
            one["columnDefinitions"] = None
        self._told = True
        return frame(kind, orjson.dumps(one))


def _row(call: Call, obj: Object, version: str) -> Object:
    include = call.info.query.get("includeObject", "Metadata")
    shown = None if include == "None" else obj if include == "Object" else partial(obj, version)
    row = {"cells": _cells(call, obj), "object": shown}
    if call.resource.qualified == "pods" and (phase := (obj.get("status") or {}).get("phase")) in CONDITIONS:
        row["conditions"] = CONDITIONS[phase]
    return row


def _shown(call: Call) -> str:
    return "scale" if call.info.subresource == "scale" else call.resource.qualified


def _columns(call: Call) -> list[Object]:
    first, shown = column("Name", "string", "name", NAME_TEXT), _shown(call)
    if call.resource.custom and shown not in COLUMNS:
        return [first, *(_custom_column(one) for one in call.resource.columns)]
    listed = COLUMNS.get(shown)
    if listed is None:
        return [first, column("Created At", "date", "", CREATED)]
    columns = [one.definition() for one in listed]
    return columns if shown in NAMELESS else [first, *columns]


def _custom_column(one: Mapping[str, Any]) -> Object:
    text = one.get("description") or f"Custom resource definition column (in JSONPath format): {one['jsonPath']}"
    return column(one["name"], one["type"], one.get("format") or "", text, one.get("priority") or 0)


def _cells(call: Call, obj: Object) -> list[Any]:
    name, shown = obj["metadata"].get("name"), _shown(call)
    if call.resource.custom and shown not in COLUMNS:
        return [name, *(_custom_cell(one, obj) for one in call.resource.columns)]
    listed = COLUMNS.get(shown)
    if listed is None:
        return [name, obj["metadata"].get("creationTimestamp")]
    if (obj["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true" and shown.startswith("storageclasses."):
        name = f"{name} (default)"
    cells = [one.cell(obj) for one in listed]
    return cells if shown in NAMELESS else [name, *cells]


def _custom_cell(one: Mapping[str, Any], obj: Object) -> Any:
    found = find(one["jsonPath"], obj)
    if not found:
        return None
    value, kind = found[0], one["type"]
    if kind == "string":
        return value if isinstance(value, str) else orjson.dumps(value).decode()
    if kind == "date":
        moment = parse_time(value)
        return "<invalid>" if moment is None else age(moment)
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    if kind == "integer":
        return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
