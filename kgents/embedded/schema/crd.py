"""What makes a CustomResourceDefinition acceptable, and the defaults it gets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from kgents.embedded.schema.causes import Cause, forbidden, invalid, not_supported, required
from kgents.embedded.schema.cel_formats import FORMAT_CHECKS
from kgents.embedded.schema.crd_versions import check_versions

Object = dict[str, Any]

SCOPES = ("Cluster", "Namespaced")
STRATEGIES = ("None", "Webhook")
APPROVAL = "api-approved.kubernetes.io"
MUST_APPROVE = "protected groups must have approval annotation"
SEE = "see https://github.com/kubernetes/enhancements/pull/1111"
PROTECTED = re.compile(r"(?:.*\.)?(?:k8s|kubernetes)\.io")


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
    causes = _check_identity(new, spec, old)
    causes += check_versions(spec.get("versions") or [], ((old or {}).get("spec") or {}).get("versions") or [])
    causes += _check_names(spec.get("names") or {})
    causes += _check_conversion(spec.get("conversion") or {})
    if spec.get("preserveUnknownFields"):
        text = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        causes.append(invalid("spec.preserveUnknownFields", True, text))
    if old is not None:
        causes += _check_immutable(spec, old)
    return causes


def approval(crd: Mapping[str, Any]) -> tuple[bool, str, str] | None:
    """Whether a definition in a group of the Kubernetes community says who approved it, with reason and message.

    None for all other groups. Source: KEP-1111.
    """
    group = str((crd.get("spec") or {}).get("group") or "")
    if not PROTECTED.fullmatch(group):
        return None
    said = str(((crd.get("metadata") or {}).get("annotations") or {}).get(APPROVAL) or "")
    if not said:
        return False, "MissingAnnotation", f'{MUST_APPROVE} "{APPROVAL}", {SEE}'
    if said.startswith("unapproved"):
        return False, "UnapprovedAnnotation", f'not approved: "{said}"'
    parts = urlsplit(said)
    if parts.scheme and parts.netloc:
        return True, "ApprovedAnnotation", f"approved in {said}"
    either = 'with either a URL or a reason starting with "unapproved"'
    return False, "InvalidAnnotation", f'{MUST_APPROVE} "{APPROVAL}" {either}, {SEE}'


def _check_identity(new: Mapping[str, Any], spec: Mapping[str, Any], old: Mapping[str, Any] | None) -> list[Cause]:
    causes: list[Cause] = []
    metadata = new.get("metadata") or {}
    group, plural = spec.get("group") or "", (spec.get("names") or {}).get("plural") or ""
    name = metadata.get("name") or ""
    if name != f"{plural}.{group}":
        causes.append(invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group'))
    verdict = approval(new)
    if verdict is not None and (old is None or approval(old) != verdict):
        field = f"metadata.annotations[{APPROVAL}]"
        if verdict[1] == "MissingAnnotation":
            causes.append(required(field, verdict[2]))
        elif verdict[1] == "InvalidAnnotation":
            causes.append(invalid(field, metadata["annotations"][APPROVAL], verdict[2]))
    if not group:
        causes.append(required("spec.group"))
    elif problems := FORMAT_CHECKS["dns1123Subdomain"](group):
        causes.append(invalid("spec.group", group, ",".join(problems)))
    elif "." not in group:
        causes.append(invalid("spec.group", group, "should be a domain with at least one dot"))
    scope = spec.get("scope") or ""
    if not scope:
        causes.append(required("spec.scope"))
    elif scope not in SCOPES:
        causes.append(not_supported("spec.scope", scope, SCOPES))
    return causes


def _check_names(names: Mapping[str, Any]) -> list[Cause]:
    causes = [
        required(f"spec.names.{field}") for field in ("plural", "singular", "kind", "listKind") if not names.get(field)
    ]
    labels = [(field, str(names.get(field) or ""), "") for field in ("plural", "singular")]
    mixed = "may have mixed case, but should otherwise match: "
    labels += [(field, str(names.get(field) or ""), mixed) for field in ("kind", "listKind")]
    for field in ("shortNames", "categories"):
        labels += [(f"{field}[{at}]", str(name), "") for at, name in enumerate(names.get(field) or ())]
    for field, name, note in labels:
        problems = FORMAT_CHECKS["dns1035Label"](name.lower() if note else name)
        if problems and (name or "[" in field):
            causes.append(invalid(f"spec.names.{field}", name, note + ",".join(problems)))
    if names.get("kind") and names.get("kind") == names.get("listKind"):
        causes.append(invalid("spec.names.listKind", names["listKind"], "kind and listKind may not be the same"))
    return causes


def _check_conversion(conversion: Mapping[str, Any]) -> list[Cause]:
    strategy = conversion.get("strategy") or "None"
    path, webhook = "spec.conversion", conversion.get("webhook") or {}
    if strategy not in STRATEGIES:
        return [not_supported(f"{path}.strategy", strategy, STRATEGIES)]
    client, versions = webhook.get("clientConfig"), webhook.get("conversionReviewVersions") or []
    if strategy == "None":
        text = "should not be set when strategy is not set to Webhook"
        given = (("webhookClientConfig", client), ("conversionReviewVersions", versions))
        return [forbidden(f"{path}.{name}", text) for name, value in given if value]
    causes: list[Cause] = []
    if not client:
        causes.append(required(f"{path}.webhookClientConfig", "required when strategy is set to Webhook"))
    elif bool(client.get("url")) == bool(client.get("service")):
        causes.append(required(f"{path}.webhookClientConfig", "exactly one of url or service is required"))
    return causes + _check_review_versions(versions, f"{path}.conversionReviewVersions")


def _check_review_versions(versions: list[str], path: str) -> list[Cause]:
    if not versions:
        return [required(path)]
    causes = []
    for at, version in enumerate(versions):
        if version in versions[:at]:
            causes.append(invalid(f"{path}[{at}]", version, "duplicate version"))
        else:
            causes += [invalid(f"{path}[{at}]", version, text) for text in FORMAT_CHECKS["dns1035Label"](version)]
    if not {"v1", "v1beta1"} & set(versions):
        causes.append(invalid(path, versions, "must include at least one of v1, v1beta1"))
    return causes


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
