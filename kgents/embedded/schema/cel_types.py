"""A schema as CEL types, for checking rules when a CRD is made.

The runtime knows declared struct types only as protobuf messages, so each object schema becomes a message descriptor.
They serve the type check alone; evaluation works on plain values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf import duration_pb2 as duration
from google.protobuf import struct_pb2 as struct
from google.protobuf import timestamp_pb2 as timestamp
from google.protobuf import wrappers_pb2 as wrappers

from kgents.embedded.schema.cel import modules
from kgents.embedded.schema.cel_library import extensions, functions
from kgents.embedded.schema.cel_values import escape
from kgents.embedded.schema.node import ANY, Node

Field = descriptor_pb2.FieldDescriptorProto
PACKAGE = "kgents.schema"
DYNAMIC = ".google.protobuf.Value"
SCALARS = {
    "string": (Field.TYPE_STRING, "StringValue"),
    "integer": (Field.TYPE_INT64, "Int64Value"),
    "number": (Field.TYPE_DOUBLE, "DoubleValue"),
    "boolean": (Field.TYPE_BOOL, "BoolValue"),
}
FORMATS = {
    "date": ".google.protobuf.Timestamp",
    "date-time": ".google.protobuf.Timestamp",
    "duration": ".google.protobuf.Duration",
}
MAX_MESSAGES = 2_000


class Types:
    """The messages of one schema, and environments in which `self` is one of its nodes."""

    def __init__(self) -> None:
        self._file = descriptor_pb2.FileDescriptorProto(name="schema.proto", package=PACKAGE, syntax="proto2")
        for module in (duration, struct, timestamp, wrappers):
            self._file.dependency.append(module.DESCRIPTOR.name)
        self._known: dict[int, str] = {}

    def declare(self, variables: Mapping[str, Node]) -> dict[str, Any]:
        """The CEL types of variables that are nodes, whose messages are made. To be called once."""
        cel = modules()
        holder = self._file.message_type.add(name="Holder")
        for number, (name, node) in enumerate(variables.items(), 1):
            self._add_field(holder, name, node, number)
        return {
            name: _variable_type(cel, node, field)
            for (name, node), field in zip(variables.items(), holder.field, strict=True)
        }

    def pool(self, *others: Any) -> Any:
        """All messages made, and those of other files."""
        pool = descriptor_pool.DescriptorPool()
        for module in (duration, struct, timestamp, wrappers):
            pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
        for file in (self._file, *others):
            pool.AddSerializedFile(file.SerializeToString())
        return pool

    def environment(self, node: Node, *, optional_old: bool = False) -> Any:
        """A checking environment for the rules of one node."""
        cel = modules()
        kind = self.declare({"self": node})["self"]
        return cel.NewEnv(
            descriptor_pool=self.pool(),
            variables={"self": kind, "oldSelf": cel.Type.DYN if optional_old else kind},
            extensions=extensions(),
            functions=functions(),
        )

    def _add_field(self, message: Any, name: str, node: Node, number: int) -> None:
        field = message.field.add(name=name, number=number, json_name=f"j{number}", label=Field.LABEL_OPTIONAL)
        taken = {nested.name for nested in message.nested_type}
        if node.type == "array" and node.items is not None and node.items.type != "array" and not _is_map(node.items):
            self._set_type(field, node.items)
            field.label = Field.LABEL_REPEATED
        elif (
            node.additional is not None
            and _is_map(node)
            and _entry_name(name) not in taken
            and _is_simple(node.additional)
        ):
            entry = message.nested_type.add(name=_entry_name(name))
            entry.options.map_entry = True
            entry.field.add(name="key", number=1, type=Field.TYPE_STRING, label=Field.LABEL_OPTIONAL)
            self._add_field(entry, "value", node.additional, 2)
            field.type, field.label = Field.TYPE_MESSAGE, Field.LABEL_REPEATED
            field.type_name = f".{PACKAGE}.{message.name}.{entry.name}"
        else:
            self._set_type(field, node)

    def _set_type(self, field: Any, node: Node) -> None:
        scalar = SCALARS.get(node.type)
        form = str(node.source.get("format") or "")
        if node.int_or_string:
            field.type, field.type_name = Field.TYPE_MESSAGE, DYNAMIC
        elif node.type == "object" and _is_struct(node) and len(self._file.message_type) < MAX_MESSAGES:
            field.type, field.type_name = Field.TYPE_MESSAGE, f".{PACKAGE}.{self._message(node)}"
        elif scalar is None:
            field.type, field.type_name = Field.TYPE_MESSAGE, DYNAMIC
        elif node.type == "string" and form in FORMATS:
            field.type, field.type_name = Field.TYPE_MESSAGE, FORMATS[form]
        elif node.type == "string" and form == "byte":
            field.type = Field.TYPE_BYTES
        elif node.nullable:
            field.type, field.type_name = Field.TYPE_MESSAGE, f".google.protobuf.{scalar[1]}"
        else:
            field.type = scalar[0]

    def _message(self, node: Node) -> str:
        """The message of an object; definitions may be met again, also within themselves."""
        known = self._known.get(id(node))
        if known is not None:
            return known
        name = self._known[id(node)] = f"T{len(self._file.message_type)}"
        message = self._file.message_type.add(name=name)
        number = 0
        for prop, child in node.properties.items():
            escaped = escape(prop)
            if escaped is not None and _is_exposed(child):
                number += 1
                self._add_field(message, escaped, child, number)
        return name


def _is_map(node: Node) -> bool:
    return node.type == "object" and node.additional is not None and not node.properties


def _is_struct(node: Node) -> bool:
    """Whether rules see just the declared fields of an object, although it may have others."""
    return bool(node.properties) or node.additional is None or node.additional is ANY


def _is_exposed(node: Node) -> bool:
    """Whether rules see a field at all: not if nothing is known of it, or of what it is a list or a map of."""
    if node.type == "array":
        return node.items is not None and _is_exposed(node.items)
    if node.type == "object":
        return _is_struct(node) or node.additional is None or _is_exposed(node.additional)
    return node.int_or_string or node.type in SCALARS


def _is_simple(node: Node) -> bool:
    return node.type not in ("array", "") and not _is_map(node) and node is not ANY


def _entry_name(name: str) -> str:
    """The name protobuf demands for the entries of a map field."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_")) + "Entry"


def _variable_type(cel: Any, node: Node, field: Any) -> Any:
    if node.int_or_string or not node.type:
        return cel.Type.DYN
    if node.type == "array":
        return cel.Type.List(_field_type(cel, field)) if field.label == Field.LABEL_REPEATED else cel.Type.LIST
    if _is_map(node):
        return cel.Type.MAP
    return _field_type(cel, field)


def _field_type(cel: Any, field: Any) -> Any:
    kinds = {
        Field.TYPE_STRING: cel.Type.STRING,
        Field.TYPE_INT64: cel.Type.INT,
        Field.TYPE_DOUBLE: cel.Type.DOUBLE,
        Field.TYPE_BOOL: cel.Type.BOOL,
        Field.TYPE_BYTES: cel.Type.BYTES,
    }
    known = {
        DYNAMIC: cel.Type.DYN,
        FORMATS["date"]: cel.Type.TIMESTAMP,
        FORMATS["duration"]: cel.Type.DURATION,
    }
    if field.type != Field.TYPE_MESSAGE:
        return kinds[field.type]
    if field.type_name.startswith(".google.protobuf."):
        return known.get(field.type_name, cel.Type.DYN)
    return cel.Type(field.type_name.lstrip("."))
