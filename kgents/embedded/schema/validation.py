"""Structural validation of a value against a compiled schema, in Kubernetes' own words.

Each node compiles its own list of checks the first time it is used. Patterns run on RE2, so that no pattern, however
hostile, can take more than linear time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import re2

from kgents.embedded.schema.causes import (
    Cause,
    invalid,
    invalid_at,
    not_supported,
    required,
    show,
    too_long,
    too_many,
    type_invalid,
)
from kgents.embedded.schema.embedded import check_resource
from kgents.embedded.schema.formats import FORMATS, NUMBER_FORMATS
from kgents.embedded.schema.node import ANY, Node, compile_schema
from kgents.embedded.schema.patience import raise_if_late

Check = Callable[[Any, str, list[Cause]], None]

TYPE_NAMES: dict[type, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    dict: "object",
    list: "array",
    type(None): "null",
}
PLAIN: dict[str, frozenset[type]] = {
    "string": frozenset({str}),
    "integer": frozenset({int}),
    "boolean": frozenset({bool}),
    "number": frozenset({int, float}),
}
INT64 = 2**63
EXACT = 2**53 - 1
"""The largest whole number that every JSON parser reads as written; Kubernetes takes no larger float for an integer."""
HUGE = 1e300
FLOAT32 = 3.4028235e38
RANGES: dict[tuple[str, Any], tuple[float, float]] = {
    ("integer", "int32"): (-(2**31), 2**31 - 1),
    ("number", "float"): (-FLOAT32, FLOAT32),
}
GO_FORMATS = {"integer": "int64", "number": "float64"}
"""How Go names the type of a number that stands where a value of some format should."""


def validate(node: Node, value: Any, path: str, causes: list[Cause]) -> None:
    """Append a cause for everything that is wrong with `value`, which stands at `path`."""
    actual = TYPE_NAMES[type(value)]
    if actual == "integer" and not -INT64 <= value < INT64:
        actual = "number"  # to Go it is one
    expected = node.type
    if actual != expected and not _fits(node, expected, actual, value):
        _blame_type(node, actual, value, path, causes)
    if value is None:
        if options := node.source.get("enum"):
            causes.append(not_supported(path, None, options))  # no option equals null, not even null
        return
    checks = node.validator
    if checks is None:
        checks = node.validator = compile_checks(node)
    for check in checks:
        check(value, path, causes)
    if actual == "object":
        _validate_object(node, value, path, causes)
    elif actual == "array" and node.items is not None and not _all_fit(node.items, value):
        for index, item in enumerate(value):
            validate(node.items, item, f"{path}[{index}]", causes)


def _all_fit(items: Node, value: list[Any]) -> bool:
    """Whether all elements are of a simple type that is the only thing asked of them: seen at once for long lists."""
    kinds = PLAIN.get(items.type)
    if kinds is None or items.nullable:
        return False
    if items.validator is None:
        items.validator = compile_checks(items)
    if items.validator or not kinds.issuperset(map(type, value)):
        return False
    return items.type != "integer" or not value or (min(value) >= -INT64 and max(value) < INT64)


def _fits(node: Node, expected: str, actual: str, value: Any) -> bool:
    if actual == "null":
        return node.nullable or (not expected and not node.int_or_string)
    whole = actual == "number" and abs(value) <= EXACT and float(value).is_integer()
    if node.int_or_string:
        return actual in ("integer", "string") or whole
    if not expected:
        return True
    if expected == "number":
        return actual == "integer"
    return expected == "integer" and whole


def _blame_type(node: Node, actual: str, value: Any, path: str, causes: list[Cause]) -> None:
    """A value of the wrong type. As in Kubernetes it is held against everything else that can be asked of it too."""
    wanted = "integer,string" if node.int_or_string else node.type
    form = _known_format(node)
    if form and actual not in ("string", "array", "null"):
        wanted, actual = form, GO_FORMATS.get(actual, "")
    causes.append(type_invalid(path, actual, f'{path} in body must be of type {wanted}: "{actual}"'))
    if node.type == "integer" and type(value) in (int, float) and not _is_whole(value, INT64):
        causes.append(_out_of_range(path, "integer", form))


def _known_format(node: Node) -> str:
    """The format, if it is one that Kubernetes checks for the type."""
    form = str(node.source.get("format") or "")
    known = FORMATS if node.type in ("", "string") else NUMBER_FORMATS.get(node.type, ())
    return form if form in known else ""


def _is_whole(value: float, limit: int) -> bool:
    return -limit <= value < limit and float(value).is_integer()


def _out_of_range(path: str, kind: str, form: str) -> Cause:
    how = f"with format {form}" if form else "(default format)"
    return invalid_at(path, f"Checked value must be of type {kind} {how} in {path}")


def _validate_object(node: Node, value: dict[str, Any], path: str, causes: list[Cause]) -> None:
    properties, extra = node.properties, node.additional
    prefix = f"{path}." if path else ""
    for name, item in value.items():
        child = properties.get(name, extra)
        if child is not None:
            validate(child, item, prefix + name, causes)
    if node.embedded:
        check_resource(value, prefix, causes)


def compile_checks(node: Node) -> tuple[Check, ...]:
    """The value checks of one schema object, its children not included."""
    schema = node.source
    checks: list[Check] = []
    texts: list[Check] = []
    for keyword, build in BUILDERS.items():
        if schema.get(keyword) is not None:
            check = build(schema[keyword], schema)
            if check is not None:
                (texts if keyword in TEXT else checks).append(check)
    if texts:
        checks.append(texts[0] if len(texts) == 1 else _first_of(texts))
    return tuple(checks)


def _first_of(checks: list[Check]) -> Check:
    """Of a text Kubernetes tells only the first thing that is wrong with it."""

    def check(value: Any, path: str, causes: list[Cause]) -> None:
        before = len(causes)
        for one in checks:
            one(value, path, causes)
            if len(causes) > before:
                return

    return check


def _required(names: Any, _: Mapping[str, Any]) -> Check | None:
    wanted = tuple(names)

    def check(value: Any, path: str, causes: list[Cause]) -> None:
        if isinstance(value, dict):
            for name in wanted:
                if name not in value:
                    causes.append(required(f"{path}.{name}" if path else name))

    return check if wanted else None


def _enum(options: Any, _: Mapping[str, Any]) -> Check:
    allowed = [(type(option) in (int, float), type(option) is bool, option) for option in options]

    def check(value: Any, path: str, causes: list[Cause]) -> None:
        form = (type(value) in (int, float), type(value) is bool, value)
        if form not in allowed:
            causes.append(not_supported(path, value, options))

    return check


def _number(test: Callable[[Any], bool], text: str) -> Check:
    def check(value: Any, path: str, causes: list[Cause]) -> None:
        if type(value) in (int, float) and not test(value):
            causes.append(invalid(path, value, f"{path} in body should be {text}"))

    return check


def _maximum(limit: Any, schema: Mapping[str, Any]) -> Check:
    if schema.get("exclusiveMaximum"):
        return _number(lambda value: bool(value < limit), f"less than {_plain(limit)}")
    return _number(lambda value: bool(value <= limit), f"less than or equal to {_plain(limit)}")


def _minimum(limit: Any, schema: Mapping[str, Any]) -> Check:
    if schema.get("exclusiveMinimum"):
        return _number(lambda value: bool(value > limit), f"greater than {_plain(limit)}")
    return _number(lambda value: bool(value >= limit), f"greater than or equal to {_plain(limit)}")


def _multiple_of(factor: Any, _: Mapping[str, Any]) -> Check | None:
    if not factor or factor < 0:
        return None

    def is_multiple(value: Any) -> bool:
        if abs(value) > HUGE:
            return False
        ratio = float(value) / float(factor)
        return math.isfinite(ratio) and abs(ratio - round(ratio)) < 1e-9 * max(1.0, abs(ratio))

    return _number(is_multiple, f"a multiple of {_plain(factor)}")


def _plain(number: Any) -> str:
    return str(int(number)) if isinstance(number, float) and number.is_integer() else str(number)


def _max_length(limit: Any, _: Mapping[str, Any]) -> Check:
    def check(value: Any, path: str, causes: list[Cause]) -> None:
        if isinstance(value, str) and len(value) > limit:
            causes.append(too_long(path, limit))

    return check


def _min_length(limit: Any, _: Mapping[str, Any]) -> Check:
    def check(value: Any, path: str, causes: list[Cause]) -> None:
        if isinstance(value, str) and len(value) < limit:
            causes.append(invalid(path, value, f"{path} in body should be at least {limit} chars long"))

    return check


def _pattern(pattern: Any, _: Mapping[str, Any]) -> Check | None:
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error:
        return None  # an invalid pattern is refused when the CRD is made

    def check(value: Any, path: str, causes: list[Cause]) -> None:
        if isinstance(value, str) and compiled.search(value) is None:
            causes.append(invalid(path, value, f"{path} in body should match '{pattern}'"))

    return check


def _range(name: Any, kind: str) -> Check | None:
    """Numeric formats bound a value; the cause is one that Kubernetes assigns to no field."""
    limits = RANGES.get((kind, name))
    if limits is None:
        return None
    least, most = limits

    def check(value: Any, path: str, causes: list[Cause]) -> None:
        if type(value) in (int, float) and not least <= value <= most and (kind == "number" or _is_whole(value, INT64)):
            causes.append(_out_of_range(path, kind, name))

    return check


def _format(name: Any, schema: Mapping[str, Any]) -> Check | None:
    if schema.get("type") in ("integer", "number"):
        return _range(name, str(schema["type"]))
    fits = FORMATS.get(name)
    if fits is None or schema.get("type") != "string":
        return None

    def check(value: Any, path: str, causes: list[Cause]) -> None:
        if isinstance(value, str) and not fits(value):
            causes.append(type_invalid(path, value, f"{path} in body must be of type {name}: {_quote(value)}"))

    return check


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _max_items(limit: Any, _: Mapping[str, Any]) -> Check:
    def check(value: Any, path: str, causes: list[Cause]) -> None:
        if isinstance(value, list) and len(value) > limit:
            causes.append(too_many(path, len(value), limit))

    return check


def _min_items(limit: Any, _: Mapping[str, Any]) -> Check:
    def check(value: Any, path: str, causes: list[Cause]) -> None:
        if isinstance(value, list) and len(value) < limit:
            causes.append(invalid(path, len(value), f"{path} in body should have at least {limit} items"))

    return check


def _unique_items(wanted: Any, _: Mapping[str, Any]) -> Check | None:
    def check(value: Any, path: str, causes: list[Cause]) -> None:
        if isinstance(value, list) and len({show(item) for item in value}) < len(value):
            causes.append(invalid(path, "", f"{path} in body shouldn't contain duplicates"))

    return check if wanted else None


def _max_properties(limit: Any, _: Mapping[str, Any]) -> Check:
    def check(value: Any, path: str, causes: list[Cause]) -> None:
        if isinstance(value, dict) and len(value) > limit:
            causes.append(too_many(path, len(value), limit))

    return check


def _min_properties(limit: Any, _: Mapping[str, Any]) -> Check:
    def check(value: Any, path: str, causes: list[Cause]) -> None:
        if isinstance(value, dict) and len(value) < limit:
            causes.append(invalid(path, len(value), f"{path} in body should have at least {limit} properties"))

    return check


def _holds(node: Node, value: Any, path: str) -> list[Cause]:
    raise_if_late()
    causes: list[Cause] = []
    validate(node, value, path, causes)
    return causes


def _combined(judge: Callable[[list[Node], Any, str], list[Cause]]) -> Callable[[Any, Mapping[str, Any]], Check]:
    def build(schemas: Any, _: Mapping[str, Any]) -> Check:
        nodes = [compile_schema(schema) for schema in schemas]

        def check(value: Any, path: str, causes: list[Cause]) -> None:
            known = set(causes)
            found = dict.fromkeys(judge(nodes, value, path))
            causes.extend(cause for cause in found if cause not in known)

        return check

    return build


def _any_of(nodes: list[Node], value: Any, path: str) -> list[Cause]:
    results: list[list[Cause]] = []
    for node in nodes:
        results.append(_holds(node, value, path))
        if not results[-1]:
            return []
    return [invalid_at(path, f'"{path}" must validate at least one schema (anyOf)'), *_closest(nodes, results, value)]


def _one_of(nodes: list[Node], value: Any, path: str) -> list[Cause]:
    results = [_holds(node, value, path) for node in nodes]
    valid = sum(not result for result in results)
    if valid == 1:
        return []
    found = f"Found {valid} valid alternatives" if valid else "Found none valid"
    told = invalid_at(path, f'"{path}" must validate one and only one schema (oneOf). {found}')
    return [told] if valid else [told, *_closest(nodes, results, value)]


def _all_of(nodes: list[Node], value: Any, path: str) -> list[Cause]:
    results = [_holds(node, value, path) for node in nodes]
    if not any(results):
        return []
    none = ". None validated" if all(results) else ""
    told = invalid_at(path, f'"{path}" must validate all the schemas (allOf){none}')
    return [*(cause for result in results for cause in result), told]


def _closest(nodes: list[Node], results: list[list[Cause]], value: Any) -> list[Cause]:
    """What is wrong by the schema against which most could be checked: the one that was probably meant."""
    best = max(range(len(nodes)), key=lambda at: _matched(nodes[at], value))
    return results[best]


def _matched(node: Node, value: Any) -> int:
    """How many checks a schema holds for a value, as Kubernetes' validator counts them."""
    raise_if_late()
    actual, schema = TYPE_NAMES[type(value)], node.source
    fits = actual == node.type or _fits(node, node.type, actual, value)
    typed = bool(node.type or node.int_or_string or _known_format(node))
    if value is None:
        return int(typed and fits)
    count = typed + (typed and fits) + _matched_parts(schema, value) + 4
    if isinstance(value, bool):
        return count
    if isinstance(value, str):
        return count + 1 + bool(_known_format(node))
    if isinstance(value, dict):
        children = ((node.child(name), item) for name, item in value.items())
        return count + 1 + sum(_matched(child, item) for child, item in children if child and child is not ANY)
    items = node.items
    return count + 2 + (sum(_matched(items, item) for item in value) if isinstance(value, list) and items else 0)


def _matched_parts(schema: Mapping[str, Any], value: Any) -> int:
    """What the schemas add that stand in a schema's own `anyOf` and its like."""
    total = 0
    for keyword in ("allOf", "anyOf", "oneOf"):
        nodes = [compile_schema(part) for part in schema.get(keyword) or ()]
        counts = [_matched(node, value) for node in nodes]
        if keyword == "allOf":
            total += sum(counts)
            continue
        fit = [count for node, count in zip(nodes, counts, strict=True) if not _holds(node, value, "")]
        if keyword == "anyOf" or len(fit) < 2:
            total += fit[0] if fit else max(counts, default=0)
    return total


def _not(schema: Any, _: Mapping[str, Any]) -> Check:
    node = compile_schema(schema)

    def check(value: Any, path: str, causes: list[Cause]) -> None:
        if not _holds(node, value, path):
            causes.append(invalid_at(path, f'"{path}" must not validate the schema (not)'))

    return check


TEXT = ("maxLength", "minLength", "pattern")
BUILDERS: dict[str, Callable[[Any, Mapping[str, Any]], Check | None]] = {
    "required": _required,
    "enum": _enum,
    "maximum": _maximum,
    "minimum": _minimum,
    "multipleOf": _multiple_of,
    "maxLength": _max_length,
    "minLength": _min_length,
    "pattern": _pattern,
    "format": _format,
    "maxItems": _max_items,
    "minItems": _min_items,
    "uniqueItems": _unique_items,
    "maxProperties": _max_properties,
    "minProperties": _min_properties,
    "allOf": _combined(_all_of),
    "anyOf": _combined(_any_of),
    "oneOf": _combined(_one_of),
    "not": _not,
}
