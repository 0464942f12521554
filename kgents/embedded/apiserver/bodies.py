"""Request bodies: JSON, YAML and (for what kubectl sends so) protobuf, into plain dicts."""

from __future__ import annotations

from typing import Any

import orjson

from kgents.embedded.apiserver.calls import Call
from kgents.embedded.apiserver.errors import StatusError, bad_request, invalid
from kgents.embedded.apiserver.registry import Resource

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
NO_KIND = "couldn't get version/kind; json parse error: "
HEAD = r'struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'
"""The Go type that looks for what an object is."""
SHOWN = 30
"""Bytes of a body that an error shows."""
JSON_NAMES: dict[type, str] = {str: "string", bool: "bool", int: "number", float: "number", list: "array"}


def decode(call: Call) -> dict[str, Any]:
    """The object of a POST or PUT, of the right kind. Raises 400, 415, 422."""
    try:
        obj = parse(call.body, call.content_type)
    except StatusError as error:
        if error.code != 400:
            raise
        raise _unrecognized(call, error.what) from error
    check_kind(call, obj)
    return obj


def _unrecognized(call: Call, why: str) -> StatusError:
    body = call.body
    shown = body.decode(errors="replace") if body[:1] == b"{" else body.hex()
    limit = SHOWN if body[:1] == b"{" else 2 * SHOWN
    shown = f"{shown[:limit]} ..." if len(body) > SHOWN else shown or "<empty>"
    return bad_request(f"the object provided is unrecognized (must be of type {call.resource.kind}): {why} ({shown})")


def parse(body: bytes, content_type: str) -> dict[str, Any]:
    """A body as a dict. Raises 400, 415."""
    if content_type in (JSON, ""):
        obj = parse_json(body)
    elif content_type == YAML:
        obj = parse_yaml(body)
    elif content_type == PROTOBUF:
        from kgents.embedded.apiserver.protobuf import decode as decode_protobuf

        obj = decode_protobuf(body)
    else:
        raise StatusError(
            415,
            "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: "
            f"{JSON}, {YAML}, {PROTOBUF}",
        )
    if obj is None:
        return {}
    if not isinstance(obj, dict):
        found = JSON_NAMES[type(obj)]
        raise bad_request(f"{NO_KIND}json: cannot unmarshal {found} into Go value of type {HEAD}")
    return obj


def parse_json(body: bytes, prefix: str = NO_KIND) -> Any:
    """JSON, or 400 with what Go would say of it after `prefix`."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        from kgents.embedded.apiserver.json_errors import go_words

        raise bad_request(prefix + go_words(body, error)) from error


def parse_yaml(body: bytes) -> Any:
    """YAML 1.1 as Kubernetes reads it, or 400."""
    # The YAML library is only loaded for who sends YAML.
    from kgents.embedded.apiserver import yaml_bodies

    try:
        return yaml_bodies.load(body)
    except yaml_bodies.YamlError as error:
        raise bad_request(f"error converting YAML to JSON: yaml: {error}") from error


def check_kind(call: Call, obj: dict[str, Any]) -> None:
    """Compares apiVersion and kind with what the path says. Raises 400, 422."""
    if call.resource.custom:
        _check_custom(call, obj)
    else:
        _check_builtin(call, obj)


def _check_builtin(call: Call, obj: dict[str, Any]) -> None:
    """What is left out is what the path says; another kind cannot become this one."""
    resource = call.resource
    kind, version = obj.setdefault("kind", resource.kind), obj.setdefault("apiVersion", resource.api_version)
    if (kind, version) == (resource.kind, resource.api_version):
        return
    short = str(version).rpartition("/")[2]
    wrong = f'{kind} in version "{short}" cannot be handled as a {resource.kind}: '
    if not any((one.kind, one.api_version) == (kind, version) for one in call.api.registry):
        scheme = "pkg/api/legacyscheme/scheme.go:30"
        raise bad_request(f'{wrong}no kind "{kind}" is registered for version "{version}" in scheme "{scheme}"')
    if kind == resource.kind:
        raise _other_version(resource, version)
    raise bad_request(f"{wrong}converting ({short}.{kind}) to ({_package(resource)}): unknown conversion")


def _package(resource: Resource) -> str:
    """The internal Go type, such as `core.ConfigMap`."""
    return f"{resource.group.partition('.')[0] or 'core'}.{resource.kind}"


def _other_version(resource: Resource, version: Any) -> StatusError:
    return bad_request(
        f"the API version in the data ({version}) does not match the expected API version ({resource.api_version})"
    )


def _check_custom(call: Call, obj: dict[str, Any]) -> None:
    resource, kind, version = call.resource, obj.get("kind"), obj.get("apiVersion")
    if not kind:
        raise _unrecognized(call, f"Object 'Kind' is missing in '{orjson.dumps(obj).decode()}'")
    if version != resource.api_version:
        raise _other_version(resource, version or "")
    if kind != resource.kind:
        from kgents.embedded.schema.causes import invalid as cause

        name = str((obj.get("metadata") or {}).get("name", ""))
        raise invalid(resource.group, str(kind), name, [cause("kind", kind, f"must be {resource.kind}")])
