"""What `request` and `namespaceObject` are made of, so that a policy that asks for what they have not is refused.

Values are evaluated as plain maps; these types serve the check of an expression alone. They are those of Kubernetes'
AdmissionRequest and Namespace as far as policies see them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2
from google.protobuf import struct_pb2 as struct
from google.protobuf import timestamp_pb2 as timestamp

Field = descriptor_pb2.FieldDescriptorProto
Shape = dict[str, Any]
PACKAGE = "kgents.policies"
TEXTS = "map of strings"
"""Stands for a map from strings to strings; a list of one type is written as a list with that type."""
SCALARS = {"string": Field.TYPE_STRING, "bool": Field.TYPE_BOOL, "int": Field.TYPE_INT64}
MESSAGES = {"dyn": ".google.protobuf.Value", "timestamp": ".google.protobuf.Timestamp"}
KIND = {"group": "string", "version": "string", "kind": "string"}
RESOURCE = {"group": "string", "version": "string", "resource": "string"}
REQUEST: Shape = {
    "kind": KIND,
    "resource": RESOURCE,
    "subResource": "string",
    "requestKind": KIND,
    "requestResource": RESOURCE,
    "requestSubResource": "string",
    "name": "string",
    "namespace": "string",
    "operation": "string",
    "userInfo": {"username": "string", "uid": "string", "groups": ["string"], "extra": "dyn"},
    "dryRun": "bool",
    "options": "dyn",
}
CONDITION = {"type": "string", "status": "string", "lastTransitionTime": "timestamp", "message": "string",
             "reason": "string"}  # fmt: skip
NAMESPACE: Shape = {
    "metadata": {
        "name": "string",
        "generateName": "string",
        "namespace": "string",
        "labels": TEXTS,
        "annotations": TEXTS,
        "UID": "string",
        "creationTimestamp": "timestamp",
        "deletionGracePeriodSeconds": "int",
        "deletionTimestamp": "timestamp",
        "generation": "int",
        "resourceVersion": "string",
        "finalizers": ["string"],
    },
    "spec": {"finalizers": ["string"]},
    "status": {"conditions": [CONDITION], "phase": "string"},
}
SHAPES = {"request": REQUEST, "namespaceObject": NAMESPACE}


@cache
def described() -> Any:
    """The messages of both, as a file of descriptors."""
    file = descriptor_pb2.FileDescriptorProto(name="request.proto", package=PACKAGE, syntax="proto2")
    for module in (struct, timestamp):
        file.dependency.append(module.DESCRIPTOR.name)
    for name, shape in SHAPES.items():
        _message(file, name, shape)
    return file


def type_name(variable: str) -> str:
    """The message that stands for a variable; empty for one that may be anything."""
    return f"{PACKAGE}.{variable}" if variable in SHAPES else ""


def _message(file: Any, name: str, shape: Shape) -> None:
    message = file.message_type.add(name=name)
    for number, (key, kind) in enumerate(shape.items(), 1):
        field = message.field.add(name=key, number=number, json_name=f"j{number}", label=Field.LABEL_OPTIONAL)
        if isinstance(kind, list):
            field.label, kind = Field.LABEL_REPEATED, kind[0]
        if kind == TEXTS:
            _texts(message, field)
        elif isinstance(kind, dict):
            field.type, field.type_name = Field.TYPE_MESSAGE, f".{PACKAGE}.{name}_{key}"
            _message(file, f"{name}_{key}", kind)
        elif kind in MESSAGES:
            field.type, field.type_name = Field.TYPE_MESSAGE, MESSAGES[kind]
        else:
            field.type = SCALARS[kind]


def _texts(message: Any, field: Any) -> None:
    entry = message.nested_type.add(name=field.name.capitalize() + "Entry")
    entry.options.map_entry = True
    for number, key in enumerate(("key", "value"), 1):
        entry.field.add(name=key, number=number, type=Field.TYPE_STRING, label=Field.LABEL_OPTIONAL)
    field.type, field.label = Field.TYPE_MESSAGE, Field.LABEL_REPEATED
    field.type_name = f".{PACKAGE}.{message.name}.{entry.name}"
