"""What makes a CustomResourceDefinition acceptable, and the defaults it gets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kgents.embedded.schema.causes import (
    INVALID,
    Cause,
    duplicate,
    invalid,
    not_supported,
    required,
)
from kgents.embedded.schema.structural import check_schema

Object = dict[str, Any]

SCOPES = ("Cluster", "Namespaced")
STRATEGIES = ("None", "Webhook")
COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
APPROVAL = "api-approved.kubernetes.io"
APPROVAL_TEXT = (
    f'protected groups must have approval annotation "{APPROVAL}", see '
    "https://github.com/kubernetes/enhancements/pull/1111"
)
PROTECTED = re.compile(r"(?:.*\.)?(?:k8s|kubernetes)\.io")
DNS_1035 = re.compile(r"[a-z](?:[-a-z0-9]*[a-z0-9])?")
DNS_1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)
DNS_1123 = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")


def default_crd(crd: Object) -> None:
    """Fill in, in place, what Kubernetes derives: singular, listKind, the conversion strategy."""
    spec = crd.get("spec")
    if not isinstance(spec, dict):
        return
    names = spec.get("names")
    if isinstance(names, dict) and isinstance(names.get("kind"), str):
        if not names.get("singular"):
            names["singular"] = names["kind"].lower()
        if not names.get("listKind"):
            names["listKind"] = names["kind"] + "List"
    conversion = spec.setdefault("conversion", {"strategy": "None"})
    if isinstance(conversion, dict):
        conversion.setdefault("strategy", "None")


def validate_crd(new: Mapping[str, Any], old: Mapping[str, Any] | None = None) -> list[Cause]:
    """All reasons to refuse a CRD; `old` is the stored one on updates. Both already decode into their types."""
    spec = new.get("spec") or {}
    causes = _check_identity(new, spec)
    causes += _check_names(spec.get("names") or {})
    causes += _check_versions(spec)
    causes += _check_conversion(spec.get("conversion") or {})
    if spec.get("preserveUnknownFields"):
        causes.append(
            invalid("spec.preserveUnknownFields", True, "must be false in order to use defaults in the schema")
        )
    if old is not None:
        causes += _check_immutable(spec, old)
    return causes


def _check_identity(new: Mapping[str, Any], spec: Mapping[str, Any]) -> list[Cause]:
    causes: list[Cause] = []
    metadata = new.get("metadata") or {}
    group, plural = spec.get("group") or "", (spec.get("names") or {}).get("plural") or ""
    name = metadata.get("name") or ""
    if name != f"{plural}.{group}":
        causes.append(invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group'))
    if PROTECTED.fullmatch(group) and not (metadata.get("annotations") or {}).get(APPROVAL):
        causes.append(required(f"metadata.annotations[{APPROVAL}]", APPROVAL_TEXT))
    if not group:
        causes.append(required("spec.group"))
    elif not DNS_1123.fullmatch(group) or len(group) > 253:
        causes.append(invalid("spec.group", group, "a lowercase RFC 1123 subdomain must consist of lower case letters"))
    elif "." not in group:
        causes.append(invalid("spec.group", group, "should be a domain with at least one dot"))
    scope = spec.get("scope") or ""
    if not scope:
        causes.append(required("spec.scope"))
    elif scope not in SCOPES:
        causes.append(not_supported("spec.scope", scope, SCOPES))
    return causes


def _check_names(names: Mapping[str, Any]) -> list[Cause]:
    causes: list[Cause] = []
    for field in ("plural", "kind"):
        if not names.get(field):
            causes.append(required(f"spec.names.{field}"))
    labels = [(field, names.get(field) or "") for field in ("plural", "singular")]
    labels += [(field, str(names.get(field) or "").lower()) for field in ("kind", "listKind")]
    labels += [(f"shortNames[{at}]", name) for at, name in enumerate(names.get("shortNames") or ())]
    labels += [(f"categories[{at}]", name) for at, name in enumerate(names.get("categories") or ())]
    for field, name in labels:
        if name and not _is_label(name):
            causes.append(invalid(f"spec.names.{field}", name, DNS_1035_TEXT))
    if names.get("kind") and names.get("kind") == names.get("listKind"):
        causes.append(invalid("spec.names.listKind", names["listKind"], "kind and listKind may not be the same"))
    return causes


def _is_label(name: str) -> bool:
    return len(name) <= 63 and DNS_1035.fullmatch(name) is not None


def _check_versions(spec: Mapping[str, Any]) -> list[Cause]:
    versions = spec.get("versions") or []
    if not versions:
        return [required("spec.versions", "must have exactly one version marked as storage version")]
    causes: list[Cause] = []
    seen: set[str] = set()
    for at, version in enumerate(versions):
        path = f"spec.versions[{at}]"
        name = version.get("name") or ""
        if name in seen:
            causes.append(duplicate(f"{path}.name", name))
        seen.add(name)
        if not _is_label(name):
            causes.append(invalid(f"{path}.name", name, DNS_1035_TEXT))
        causes += _check_version(version, path, _schema_path(versions, at))
    stored = sum(bool(version.get("storage")) for version in versions)
    if stored != 1:
        text = "must have exactly one version marked as storage version"
        causes.append(Cause("spec.versions", INVALID, f"Invalid value: {text}"))
    return causes


def _schema_path(versions: list[Mapping[str, Any]], at: int) -> str:
    """Kubernetes reports a schema that all versions share at the place its internal form keeps it."""
    schemas = [version.get("schema") for version in versions]
    if all(schema == schemas[0] for schema in schemas):
        return "spec.validation.openAPIV3Schema"
    return f"spec.versions[{at}].schema.openAPIV3Schema"


def _check_version(version: Mapping[str, Any], path: str, schema_path: str) -> list[Cause]:
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    if not isinstance(schema, Mapping):
        return [required(f"{path}.schema.openAPIV3Schema")]
    causes = check_schema(schema, schema_path)
    if not causes:
        causes += _check_rules(schema, schema_path)
    for at, column in enumerate(version.get("additionalPrinterColumns") or ()):
        causes += _check_column(column, f"{path}.additionalPrinterColumns[{at}]")
    scale = (version.get("subresources") or {}).get("scale")
    if isinstance(scale, Mapping):
        causes += _check_scale(scale, f"{path}.subresources.scale")
    return causes


def _check_rules(schema: Mapping[str, Any], path: str) -> list[Cause]:
    from kgents.embedded.schema.node import compile_schema
    from kgents.embedded.schema.schema import contains_rules

    if not contains_rules(compile_schema(schema)):
        return []
    from kgents.embedded.schema.rule_check import check_rule_sources  # CEL: only for CRDs that use it

    return check_rule_sources(schema, path)


def _check_column(column: Mapping[str, Any], path: str) -> list[Cause]:
    causes: list[Cause] = []
    for field in ("name", "type", "jsonPath"):
        if not column.get(field):
            causes.append(required(f"{path}.{field}"))
    kind, form = column.get("type"), column.get("format")
    if kind and kind not in COLUMN_TYPES:
        causes.append(not_supported(f"{path}.type", kind, COLUMN_TYPES))
    if form and form not in COLUMN_FORMATS:
        causes.append(not_supported(f"{path}.format", form, COLUMN_FORMATS))
    return causes


def _check_scale(scale: Mapping[str, Any], path: str) -> list[Cause]:
    causes: list[Cause] = []
    for field, start in (("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")):
        value = scale.get(field) or ""
        if not value:
            causes.append(required(f"{path}.{field}"))
        elif not value.startswith(start):
            causes.append(invalid(f"{path}.{field}", value, f"should be a json path under {start.rstrip('.')}"))
    selector = scale.get("labelSelectorPath") or ""
    if selector and not selector.startswith((".spec.", ".status.")):
        text = "should be a json path under either .spec or .status"
        causes.append(invalid(f"{path}.labelSelectorPath", selector, text))
    return causes


def _check_conversion(conversion: Mapping[str, Any]) -> list[Cause]:
    strategy = conversion.get("strategy") or "None"
    if strategy not in STRATEGIES:
        return [not_supported("spec.conversion.strategy", strategy, STRATEGIES)]
    if strategy == "Webhook" and not conversion.get("webhook"):
        return [required("spec.conversion.webhook", "required when strategy is set to Webhook")]
    return []


def _check_immutable(spec: Mapping[str, Any], old: Mapping[str, Any]) -> list[Cause]:
    before = old.get("spec") or {}
    conditions = (old.get("status") or {}).get("conditions") or []
    established = any(c.get("type") == "Established" and c.get("status") == "True" for c in conditions)
    fields = [("group",), ("names", "plural")]
    if established:
        fields += [("scope",), ("names", "kind")]
    causes: list[Cause] = []
    for field in fields:
        now, then = _at(spec, field), _at(before, field)
        if now != then:
            causes.append(invalid("spec." + ".".join(field), now, "field is immutable"))
    return causes


def _at(spec: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = spec
    for name in path:
        value = (value or {}).get(name)
    return value
