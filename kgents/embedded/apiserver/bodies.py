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


def decode(call: Call) -> dict[str, Any]:
    """The object of a POST or PUT, of the right kind. Raises 400, 415, 422."""
    obj = parse(call.body, call.content_type)
    check_kind(call.resource, obj)
    return obj


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
    if not isinstance(obj, dict):
        raise bad_request("couldn't get version/kind; json parse error: json: cannot unmarshal into Go value")
    return obj


def parse_json(body: bytes) -> Any:
    """JSON, or 400."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"couldn't get version/kind; json parse error: {error}") from error


def parse_yaml(body: bytes) -> Any:
    """YAML 1.1 as Kubernetes reads it, or 400. Timestamps stay text."""
    import yaml

    try:
        return yaml.load(body, Loader=_loader())
    except yaml.YAMLError as error:
        raise bad_request(f"error converting YAML to JSON: yaml: {error}") from error


def _loader() -> type[Any]:
    import yaml

    class PlainLoader(yaml.SafeLoader):
        """YAML without dates: JSON has none."""

    PlainLoader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return PlainLoader


def check_kind(resource: Resource, obj: dict[str, Any]) -> None:
    """Compares apiVersion and kind with what the path says. Raises 400, 422."""
    kind, version = obj.get("kind"), obj.get("apiVersion")
    if not resource.custom:
        obj.setdefault("kind", resource.kind)
        obj.setdefault("apiVersion", resource.api_version)
        if obj["kind"] != resource.kind or obj["apiVersion"] != resource.api_version:
            group, _, _ = str(obj["apiVersion"]).rpartition("/")
            raise bad_request(
                f'{obj["kind"]} in version "{str(obj["apiVersion"]).rpartition("/")[2]}" cannot be handled as a '
                f"{resource.kind}: no kind match for group {group!r}"
            )
        return
    if not kind:
        raise bad_request(f"Object 'Kind' is missing in '{orjson.dumps(obj).decode()}'")
    if not version:
        raise bad_request(f"Object 'apiVersion' is missing in '{orjson.dumps(obj).decode()}'")
    if version != resource.api_version:
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version ({resource.api_version})"
        )
    if kind != resource.kind:
        from kgents.embedded.schema.causes import invalid as cause

        name = str((obj.get("metadata") or {}).get("name", ""))
        raise invalid(resource.group, str(kind), name, [cause("kind", kind, f"must be {resource.kind}")])
