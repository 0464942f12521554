"""The rules a CRD's schema itself must follow: structural, complete, with defaults that fit.

Paths and sentences are those of Kubernetes; `path` arguments point at the schema object under test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import re2

from kgents.embedded.schema import pruning
from kgents.embedded.schema.causes import Cause, below, forbidden, invalid, required
from kgents.embedded.schema.clone import clone
from kgents.embedded.schema.node import Node, compile_schema
from kgents.embedded.schema.patience import OutOfPatience, patience
from kgents.embedded.schema.ratchet import same
from kgents.embedded.schema.schema_form import JUNCTORS, check_form
from kgents.embedded.schema.validation import validate

UNDEFINED = "must be undefined to be structural"
EMPTY = "must be empty to be structural"
FALSE = "must be false to be structural"
NOT_IN_JUNCTORS = {
    "type": EMPTY,
    "additionalProperties": UNDEFINED,
    "default": UNDEFINED,
    "title": EMPTY,
    "description": EMPTY,
    "nullable": FALSE,
    "x-kubernetes-preserve-unknown-fields": FALSE,
    "x-kubernetes-embedded-resource": FALSE,
    "x-kubernetes-int-or-string": FALSE,
    "x-kubernetes-list-map-keys": EMPTY,
    "x-kubernetes-list-type": UNDEFINED,
    "x-kubernetes-map-type": UNDEFINED,
    "x-kubernetes-validations": EMPTY,
}
UNSUPPORTED = ("id", "$schema", "$ref", "patternProperties", "dependencies", "additionalItems", "definitions")
INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
MAX_NESTING = 100
ROOT, FIELD, ITEM = "root", "field", "item"
WHERE = {
    ROOT: "must not be empty at the root",
    FIELD: "must not be empty for specified object fields",
    ITEM: "must not be empty for specified array items",
}

Schema = Mapping[str, Any]


def check_schema(schema: Schema, path: str) -> tuple[list[Cause], list[Cause]]:
    """Everything that keeps an `openAPIV3Schema` from being accepted, its CEL rules aside.

    First what is not structural, or does not fit as a default, and then what is wrong with its form.
    """
    form = check_form(schema, path)
    causes: list[Cause] = []
    if unsupported := _unsupported(schema):
        # Kubernetes makes no structural schema of one that has such a keyword anywhere.
        what = f"OpenAPIV3Schema '{unsupported}' is not supported"
        return ([] if form else [invalid(path, "", what)]), form
    _check(schema, path, ROOT, causes, 0)
    if any(cause.message.startswith("Forbidden: must not be nested") for cause in causes):
        return causes, []
    _check_complete(schema, schema, path, path, causes)
    causes.sort(key=str)
    if not causes:
        _check_defaults(schema, path, causes, is_root=True)
    if schema.get("nullable"):
        form.append(forbidden(f"{path}.nullable", "nullable cannot be true at the root"))
    return causes, form


def _unsupported(schema: Schema) -> str:
    """The first keyword, anywhere in a schema, of which Kubernetes makes nothing at all."""
    if found := next((name for name in UNSUPPORTED if schema.get(name)), ""):
        return found.lstrip("$") if found == "$schema" else found
    if isinstance(schema.get("items"), list) or schema.get("x-kubernetes-preserve-unknown-fields") is False:
        return "items"
    parts = [schema.get("items"), schema.get("additionalProperties"), schema.get("not")]
    parts += [part for keyword in JUNCTORS for part in schema.get(keyword) or ()]
    parts += (schema.get("properties") or {}).values()
    return next((found for part in parts if isinstance(part, Mapping) and (found := _unsupported(part))), "")


def _check_complete(judged: Schema, declared: Any, at: str, path: str, causes: list[Cause]) -> None:
    """What `anyOf` and its like at the root judge must be declared outside of them too."""
    for keyword in ("not", *JUNCTORS):
        parts = judged.get(keyword) or ()
        named = [(f".{keyword}", parts)] if isinstance(parts, Mapping) else _numbered(keyword, parts)
        for end, part in named:
            _check_declared(part, declared, at, path + end, causes)


def _numbered(keyword: str, parts: Any) -> list[tuple[str, Any]]:
    return [(f".{keyword}[{at}]", part) for at, part in enumerate(parts)]


def _check_declared(judged: Schema, declared: Any, at: str, path: str, causes: list[Cause]) -> None:
    if not isinstance(declared, Mapping):
        causes.append(required(at, f"because it is defined in {path}"))
        return
    _check_complete(judged, declared, at, path, causes)
    if isinstance(judged.get("items"), Mapping):
        _check_declared(judged["items"], declared.get("items"), f"{at}.items", f"{path}.items", causes)
    for name, child in (judged.get("properties") or {}).items():
        end = f".properties[{name}]"
        _check_declared(child, (declared.get("properties") or {}).get(name), at + end, path + end, causes)


def _check(schema: Schema, path: str, place: str, causes: list[Cause], depth: int) -> None:
    if depth > MAX_NESTING:
        causes.append(forbidden(path, f"must not be nested more than {MAX_NESTING} levels"))
        return
    items, extra = schema.get("items"), schema.get("additionalProperties")
    if isinstance(items, Mapping):
        _check(items, f"{path}.items", ITEM, causes, depth + 1)
    elif schema.get("type") == "array" and items is None:
        causes.append(required(f"{path}.items", "must be specified"))
    for name, child in (schema.get("properties") or {}).items():
        _check(child, f"{path}.properties[{name}]", FIELD, causes, depth + 1)
    if extra is not None and place == ROOT:
        causes.append(forbidden(f"{path}.additionalProperties", "must not be used at the root"))
    if isinstance(extra, Mapping):
        _check(extra, f"{path}.additionalProperties", FIELD, causes, depth + 1)
    _check_extensions(schema, path, causes)
    _check_values(schema, path, causes, depth)
    _check_type(schema, path, place, causes)
    if place == ROOT or schema.get("x-kubernetes-embedded-resource"):
        _check_resource(schema, path, place, causes)


def _check_extensions(schema: Schema, path: str, causes: list[Cause]) -> None:
    if not schema.get("x-kubernetes-int-or-string"):
        return
    for name in ("x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"):
        if schema.get(name):
            causes.append(invalid(f"{path}.{name}", True, "must be false if x-kubernetes-int-or-string is true"))


def _check_type(schema: Schema, path: str, place: str, causes: list[Cause]) -> None:
    kind, embedded = schema.get("type") or "", schema.get("x-kubernetes-embedded-resource")
    free = schema.get("x-kubernetes-int-or-string") or schema.get("x-kubernetes-preserve-unknown-fields")
    if embedded and kind != "object":
        text = "must be object if x-kubernetes-embedded-resource is true"
        causes.append(invalid(f"{path}.type", kind, text) if kind else required(f"{path}.type", text))
    elif not kind and not free:
        causes.append(required(f"{path}.type", WHERE[place]))
    if embedded and schema.get("additionalProperties") is not None:
        text = "must not be used if x-kubernetes-embedded-resource is set"
        causes.append(forbidden(f"{path}.additionalProperties", text))
    if place == ROOT and kind and kind != "object":
        causes.append(invalid(f"{path}.type", kind, "must be object at the root"))


def _check_resource(schema: Schema, path: str, place: str, causes: list[Cause]) -> None:
    """What holds where a whole object begins."""
    properties = schema.get("properties") or {}
    for name, wanted in (("kind", "string"), ("apiVersion", "string"), ("metadata", "object")):
        child = properties.get(name)
        if child is not None and child.get("type") != wanted:
            field = f"{path}.properties[{name}].type"
            causes.append(invalid(field, child.get("type") or "", f"must be {wanted}"))
    metadata = properties.get("metadata")
    if place == ROOT and isinstance(metadata, Mapping):
        extra = set(metadata.get("properties") or {}) - {"name", "generateName"}
        if extra or set(metadata) - {"type", "default", "properties"}:
            text = "must not specify anything other than name and generateName, but metadata is implicitly specified"
            causes.append(forbidden(f"{path}.properties[metadata]", text))
    if place != ROOT and not properties and not schema.get("x-kubernetes-preserve-unknown-fields"):
        text = (
            "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
        )
        causes.append(required(f"{path}.properties", text))


def _check_values(schema: Schema, path: str, causes: list[Cause], depth: int) -> None:
    """Patterns, and what stands in `allOf` and its like: only values may be judged there."""
    if depth > MAX_NESTING:
        causes.append(forbidden(path, f"must not be nested more than {MAX_NESTING} levels"))
        return
    for keyword in JUNCTORS:
        for at, part in enumerate(schema.get(keyword) or ()):
            if keyword == "anyOf" and schema["anyOf"] == INT_OR_STRING:
                continue
            if isinstance(part, Mapping):
                _check_junctor(part, f"{path}.{keyword}[{at}]", causes, depth + 1)
    negated = schema.get("not")
    if isinstance(negated, Mapping):
        _check_junctor(negated, f"{path}.not", causes, depth + 1)
    pattern = schema.get("pattern")
    problem = _pattern_problem(pattern) if isinstance(pattern, str) and pattern else ""
    if problem:
        text = f"must be a valid regular expression, but isn't: {problem}"
        causes.append(invalid(f"{path}.pattern", pattern, text))


def _check_junctor(schema: Schema, path: str, causes: list[Cause], depth: int) -> None:
    _check_values(schema, path, causes, depth)
    for name, text in NOT_IN_JUNCTORS.items():
        if schema.get(name) not in (None, "", False, []):
            causes.append(forbidden(f"{path}.{name}", text))
    items, properties = schema.get("items"), schema.get("properties") or {}
    if isinstance(items, Mapping):
        _check_junctor(items, f"{path}.items", causes, depth + 1)
    for name, child in properties.items():
        _check_junctor(child, f"{path}.properties[{name}]", causes, depth + 1)
    if "metadata" in properties:
        causes.append(forbidden(f"{path}.properties[metadata]", "must not be specified in a nested context"))


def _pattern_problem(pattern: str) -> str:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        text = error.args[0] if error.args else error
        return text.decode() if isinstance(text, bytes) else str(text)
    return ""


def _check_defaults(schema: Schema, path: str, causes: list[Cause], *, is_root: bool = False) -> None:
    if schema.get("default") is not None and not is_root:
        causes += _check_default(schema, f"{path}.default")
    items = schema.get("items")
    if isinstance(items, Mapping):
        _check_defaults(items, f"{path}.items", causes)
    for name, child in (schema.get("properties") or {}).items():
        _check_defaults(child, f"{path}.properties[{name}]", causes)


def _check_default(schema: Schema, path: str) -> list[Cause]:
    node = compile_schema({name: value for name, value in schema.items() if name != "default"})
    value = schema["default"]
    kept = clone(value)
    pruning.prune(node, kept)
    unknown = [] if same(kept, value) else [invalid(path, value, "must not have unknown fields")]
    causes: list[Cause] = []
    try:
        with patience():
            validate(node, value, "", causes)
    except OutOfPatience:
        return [invalid(path, "", "takes too long to be validated")]
    return unknown + below(path, causes or _check_rules(node, value))


def _check_rules(node: Node, value: Any) -> list[Cause]:
    """The rules that a default breaks, whether it was there before or not."""
    from kgents.embedded.schema.schema import contains_rules

    if not contains_rules(node):
        return []
    from kgents.embedded.schema.cel import CelError
    from kgents.embedded.schema.rules import check_rules

    try:
        return check_rules(node, value, value) or check_rules(node, value)
    except CelError:
        return []  # a rule that does not compile is told of itself
