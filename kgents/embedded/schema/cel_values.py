"""Values and names as CEL sees them: escaped property names, doubles, timestamps, durations, bytes."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

import orjson

from kgents.embedded.schema.builtin import OBJECT_META
from kgents.embedded.schema.node import Node

VISIBLE = ("name", "generateName")
"""What rules may see of metadata."""

RESERVED = frozenset(
    {"true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import"}
    | {"let", "loop", "package", "namespace", "return"}
)
NUL = "\uffff"
_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z", re.ASCII)
_ESCAPABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-/]*\Z", re.ASCII)
_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


def escape(name: str) -> str | None:
    """A property name as a CEL identifier; None when it cannot be one."""
    if name in RESERVED:
        return f"__{name}__"
    if _SIMPLE.match(name) and "__" not in name:
        return name
    if not _ESCAPABLE.match(name):
        return None
    text = name.replace("__", "__underscores__")
    return text.replace(".", "__dot__").replace("-", "__dash__").replace("/", "__slash__")


def is_plain(node: Node) -> bool:
    """Whether values of this node need no conversion; remembered on the node."""
    if node.cel_plain is None:
        node.cel_plain = True
        own = (
            not has_metadata(node)
            and node.type != "number"
            and not (node.type == "string" and node.source.get("format") in ("date", "date-time", "duration", "byte"))
        )
        names = all(escape(name) in (name, None) for name in node.properties)
        children = [*node.properties.values(), node.additional, node.items]
        if node.definition:
            return True
        node.cel_plain = own and names and all(is_plain(child) for child in children if child is not None)
    return node.cel_plain


def has_metadata(node: Node) -> bool:
    """Whether the node is a whole object (the root, an embedded resource), with the metadata every object has."""
    metadata = node.properties.get("metadata")
    return metadata is not None and metadata.definition == OBJECT_META


def without_nul(values: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of an evaluation with U+FFFF in place of NUL: the runtime takes a string to end at its first NUL.

    Cut short, a forged name would be the true one to a rule, and another one to everybody else.
    """
    try:
        has_nul = b"\\u0000" in orjson.dumps(values, default=_nothing, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # nested too deeply to be looked at that fast
        has_nul = True
    return {name: _whole(value) for name, value in values.items()} if has_nul else dict(values)


def _nothing(value: Any) -> None:
    """Timestamps, durations, bytes: what has no text in it."""


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", NUL)
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value


def to_cel(node: Node, value: Any) -> Any:
    """The value as rules see it. What does not fit its schema passes as it is."""
    if value is None or is_plain(node):
        return value
    if isinstance(value, dict):
        if has_metadata(node) and isinstance(value.get("metadata"), dict):
            value = {**value, "metadata": {n: v for n, v in value["metadata"].items() if n in VISIBLE}}
        return {_name(node, name): _below(node, name, item) for name, item in value.items()}
    if isinstance(value, list):
        return value if node.items is None else [to_cel(node.items, item) for item in value]
    if node.type == "number" and type(value) is int:
        return float(value)
    if node.type == "string" and isinstance(value, str):
        return _formatted(value, str(node.source.get("format") or ""))
    return value


def _name(node: Node, name: str) -> str:
    return (escape(name) or name) if name in node.properties else name


def _below(node: Node, name: str, item: Any) -> Any:
    child = node.child(name)
    return item if child is None else to_cel(child, item)


def _formatted(text: str, form: str) -> Any:
    try:
        if form in ("date", "date-time"):
            return _timestamp(text)
        if form == "duration":
            return _duration(text)
        return base64.b64decode(text, validate=True) if form == "byte" else text
    except (ValueError, OverflowError, binascii.Error):
        return text


def _timestamp(text: str) -> Any:
    from google.protobuf.timestamp_pb2 import Timestamp

    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    result = Timestamp()
    result.FromDatetime(moment)
    return result


def _duration(text: str) -> Any:
    from google.protobuf.duration_pb2 import Duration

    parts = _DURATION_PART.findall(text)
    if not parts and text != "0":
        raise ValueError(text)
    seconds = sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)
    sign = -1 if text.startswith("-") else 1
    whole = int(seconds)
    return Duration(seconds=sign * whole, nanos=sign * round((seconds - whole) * 1e9))
