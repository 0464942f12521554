"""The forms in which a client may want an object or a list: itself, a Table, or only the metadata."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from kgents.embedded.apiserver.calls import Answer, Call
from kgents.embedded.apiserver.errors import StatusError, bad_request
from kgents.embedded.schema.causes import invalid

JSON = "application/json"
YAML = "application/yaml"
META = "meta.k8s.io"


@dataclass(frozen=True, slots=True)
class Form:
    """What is wanted: `kind` is "", Table, PartialObjectMetadata or its List; and how it is encoded."""

    kind: str = ""
    version: str = "v1"
    media: str = JSON


PLAIN = Form()


def wanted(call: Call, *, many: bool = False, shaped: bool = True) -> Form:
    """The first form of the Accept header that can be served. Raises 406. `shaped`: also as a Table or metadata."""
    header = call.headers.get("Accept", "")
    if not header or header in ("*/*", JSON):
        return PLAIN
    for media, parameters in clauses(header):
        if media in ("*/*", "application/*"):
            return PLAIN
        if media not in (JSON, YAML):
            continue
        kind = parameters.get("as", "")
        if not kind:
            return Form(media=media)
        if (
            shaped
            and parameters.get("g") == META
            and parameters.get("v") in ("v1", "v1beta1")
            and _known(kind, many=many)
        ):
            if kind == "Table":
                _check_rows(call)
            return Form(kind, parameters["v"], media)
    raise StatusError(
        406,
        "NotAcceptable",
        f"only the following media types are accepted: {JSON}, {YAML}, application/vnd.kubernetes.protobuf",
    )


def _check_rows(call: Call) -> None:
    """What a Table's rows are to hold of their objects. Raises 400."""
    asked = call.info.query.get("includeObject", "")
    if asked not in ("", "Metadata", "Object", "None"):
        cause = invalid("includeObject", asked, "must be 'Metadata', 'Object', 'None', or empty")
        raise bad_request(f"Unable to convert to Table as requested: {cause}")


def clauses(header: str) -> list[tuple[str, dict[str, str]]]:
    """The media types of an Accept header with their parameters, those with the highest `q` first."""
    found = []
    for entry in header.split(","):
        media, _, rest = entry.partition(";")
        parameters = dict(part.strip().split("=", 1) for part in rest.split(";") if "=" in part)
        found.append((media.strip(), parameters))
    return sorted(found, key=lambda one: -_quality(one[1].get("q", "1")))


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0


def _known(kind: str, *, many: bool) -> bool:
    return kind == "Table" or kind == ("PartialObjectMetadataList" if many else "PartialObjectMetadata")


def one(call: Call, data: bytes, code: int) -> Answer:
    """One object in the wanted form."""
    form = wanted(call)
    if form is PLAIN:
        return Answer(data, code)
    if form.kind == "Table":
        from kgents.embedded.apiserver.tables import table

        return encoded(form, table(call, [orjson.loads(data)], form.version), code)
    if form.kind:
        return encoded(form, partial(orjson.loads(data), form.version), code)
    return encoded(form, orjson.loads(data), code)


def partial(obj: dict[str, Any], version: str = "v1") -> dict[str, Any]:
    """Only the metadata of an object."""
    return {"kind": "PartialObjectMetadata", "apiVersion": f"{META}/{version}", "metadata": obj["metadata"]}


def encoded(form: Form, value: Any, code: int = 200) -> Answer:
    """A value as JSON or YAML."""
    if form.media != YAML:
        return Answer(orjson.dumps(value), code)
    import yaml

    return Answer(yaml.safe_dump(value, sort_keys=False).encode(), code, YAML)
