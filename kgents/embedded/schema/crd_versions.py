"""What makes the versions of a CustomResourceDefinition acceptable.

Kubernetes checks its internal form of a definition, in which what all versions share stands once, at the top of the
spec. The paths in its answers are the paths there, and so they are here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kgents.embedded.schema.causes import Cause, duplicate, invalid, required, too_many
from kgents.embedded.schema.cel_formats import FORMAT_CHECKS
from kgents.embedded.schema.node import compile_schema
from kgents.embedded.schema.rule_paths import dotted_problem, target
from kgents.embedded.schema.structural import check_schema

Version = Mapping[str, Any]
COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
MAX_SELECTABLE = 8
MAX_WARNING = 256
AT_ROOT = frozenset(
    {"description", "type", "format", "title", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"}
    | {"maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "multipleOf", "required", "items"}
    | {"properties", "externalDocs", "example", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-validations"}
)
ONLY_AT_ROOT = "fields are allowed at the root of the schema if the status subresource is enabled"


def check_versions(versions: Sequence[Version], before: Sequence[Version] = ()) -> list[Cause]:
    """All reasons to refuse the versions, in Kubernetes' order. Schemas that stand in `before` are known to be good."""
    causes: list[Cause] = []
    for at, version in enumerate(versions):
        if not isinstance((version.get("schema") or {}).get("openAPIV3Schema"), Mapping):
            causes.append(required(f"spec.versions[{at}].schema.openAPIV3Schema"))
    names = [str(version.get("name") or "") for version in versions]
    for at, version in enumerate(versions):
        path = f"spec.versions[{at}]"
        if problems := FORMAT_CHECKS["dns1035Label"](names[at]):
            causes.append(invalid(f"{path}.name", names[at], ",".join(problems)))
        causes += _check_warning(version, f"{path}.deprecationWarning")
    if len(set(names)) < len(names):
        causes.append(Cause("spec.versions", "FieldValueInvalid", "Invalid value: must contain unique version names"))
    if sum(bool(version.get("storage")) for version in versions) != 1:
        text = "must have exactly one version marked as storage version"
        causes.append(Cause("spec.versions", "FieldValueInvalid", f"Invalid value: {text}"))
    for version, path in _distinct(versions, "schema", "spec.validation", ".schema"):
        if not any(_same_schema(version, known) for known in before):
            causes += _check_schema(version, f"{path}.openAPIV3Schema")
    for version, path in _distinct(versions, "subresources", "spec.subresources", ".subresources"):
        causes += _check_scale((version.get("subresources") or {}).get("scale"), f"{path}.scale")
    shared = "spec.additionalPrinterColumns"
    for version, path in _distinct(versions, "additionalPrinterColumns", shared, ".additionalPrinterColumns"):
        for at, column in enumerate(version.get("additionalPrinterColumns") or ()):
            causes += _check_column(column, f"{path}[{at}]")
    for version, path in _distinct(versions, "selectableFields", "spec.selectableFields", ".selectableFields"):
        causes += _check_selectable(version, path)
    return causes


def _same_schema(one: Version, other: Version) -> bool:
    status = ["status" in (version.get("subresources") or {}) for version in (one, other)]
    return one.get("schema") == other.get("schema") and status[0] == status[1]


def _distinct(versions: Sequence[Version], key: str, shared: str, own: str) -> Iterator[tuple[Version, str]]:
    """Each version with the path of one of its parts; only the first where all have the same."""
    values = [version.get(key) for version in versions]
    if values and values[0] and all(value == values[0] for value in values):
        yield versions[0], shared
        return
    for at, version in enumerate(versions):
        if values[at]:
            yield version, f"spec.versions[{at}]{own}"


def _check_warning(version: Version, path: str) -> list[Cause]:
    warning = version.get("deprecationWarning")
    if warning is None:
        return []
    if not version.get("deprecated"):
        return [invalid(path, warning, "can only be set for deprecated versions")]
    causes = []
    if len(warning.encode("utf-8", "surrogatepass")) > MAX_WARNING:
        causes.append(invalid(path, warning, f"must be <= {MAX_WARNING} characters long"))
    if not warning:
        causes.append(invalid(path, warning, "must not be an empty string"))
    odd = next((at for at, sign in enumerate(warning) if not sign.isprintable()), None)
    if odd is not None:
        at = len(warning[:odd].encode("utf-8", "surrogatepass"))
        text = f"must only contain printable UTF-8 characters; non-printable character found at index {at}"
        causes.append(invalid(path, warning, text))
    return causes


def _check_schema(version: Version, path: str) -> list[Cause]:
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    if not isinstance(schema, Mapping):
        return []
    causes: list[Cause] = []
    if "status" in (version.get("subresources") or {}):
        if schema.get("type") != "object":
            text = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
            causes.append(invalid(f"{path}.type", schema.get("type") or "", text))
        elif strange := [name for name in schema if name not in AT_ROOT and schema[name]]:
            causes.append(invalid(path, dict.fromkeys(strange, "..."), f"only {sorted(AT_ROOT)} {ONLY_AT_ROOT}"))
    broken, misformed = check_schema(schema, path)
    return causes + broken + misformed + _check_rules(schema, path, misformed, compiles=not broken)


def _check_rules(schema: Mapping[str, Any], path: str, misformed: list[Cause], *, compiles: bool) -> list[Cause]:
    from kgents.embedded.schema.schema import contains_rules

    if not contains_rules(compile_schema(schema)):
        return []
    from kgents.embedded.schema.rule_check import check_rule_sources  # CEL: only for CRDs that use it

    return check_rule_sources(schema, path, [cause.field for cause in misformed], compiles=compiles)


def _check_column(column: Mapping[str, Any], path: str) -> list[Cause]:
    causes: list[Cause] = []
    if not column.get("name"):
        causes.append(required(f"{path}.name"))
    kind, form, place = (str(column.get(name) or "") for name in ("type", "format", "jsonPath"))
    wanted = f"must be one of {','.join(COLUMN_TYPES)}"
    if not kind:
        causes.append(required(f"{path}.type", wanted))
    elif kind not in COLUMN_TYPES:
        causes.append(invalid(f"{path}.type", kind, wanted))
    if form and form not in COLUMN_FORMATS:
        causes.append(invalid(f"{path}.format", form, f"must be one of {','.join(COLUMN_FORMATS)}"))
    if not place:
        causes.append(required(f"{path}.JSONPath"))
    elif not place.startswith("."):
        causes.append(invalid(f"{path}.JSONPath", place, "must be a simple json path starting with ."))
    return causes


def _check_scale(scale: Any, path: str) -> list[Cause]:
    if not isinstance(scale, Mapping):
        return []
    causes: list[Cause] = []
    both = (".spec.", ".status.")
    for field, starts, needed in (
        ("specReplicasPath", both[:1], True),
        ("statusReplicasPath", both[1:], True),
        ("labelSelectorPath", both, False),
    ):
        value = str(scale.get(field) or "")
        if not value:
            causes += [required(f"{path}.{field}")] if needed else []
        elif not value.startswith("."):
            causes.append(invalid(f"{path}.{field}", value, "must be a simple json path starting with ."))
        elif not value.startswith(starts):
            allowed = " or ".join(start.rstrip(".") for start in starts)
            text = f"should be a json path under {'either ' if len(starts) > 1 else ''}{allowed}"
            causes.append(invalid(f"{path}.{field}", value, text))
    return causes


def _check_selectable(version: Version, path: str) -> list[Cause]:
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    if not isinstance(schema, Mapping):
        return []
    root = compile_schema(schema)
    causes: list[Cause] = []
    seen: set[str] = set()
    for at, one in enumerate(version.get("selectableFields") or ()):
        field, place = f"{path}[{at}].jsonPath", str(one.get("jsonPath") or "")
        if not place:
            causes.append(required(field))
            continue
        if problem := dotted_problem(root, place):
            causes.append(invalid(field, place, f"is an invalid path: {problem}"))
            continue
        if place.split(".")[1] == "metadata":
            causes.append(invalid(field, place, "must not point to fields in metadata"))
        found = target(root, place)
        if found is None or found.type not in ("string", "boolean", "integer"):
            text = "must point to a field of type string, boolean or integer."
            causes.append(invalid(field, place, f"{text} Enum string fields and strings with formats are allowed."))
        if place in seen:
            causes.append(duplicate(field, place))
        seen.add(place)
    if len(seen) > MAX_SELECTABLE:
        causes.append(too_many(path, len(seen), MAX_SELECTABLE))
    return causes
