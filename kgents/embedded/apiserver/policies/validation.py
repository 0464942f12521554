"""What is wrong with a policy or a binding, told when it is written instead of when it should judge."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kgents.embedded.apiserver.names import dns_1035_label, dns_subdomain, label_key_problem, path_segment
from kgents.embedded.apiserver.policies import checks
from kgents.embedded.apiserver.policies.compiled import names_of, variables_of
from kgents.embedded.apiserver.policies.rules import check_rules
from kgents.embedded.apiserver.selector_checks import check_selector
from kgents.embedded.schema.causes import Cause, duplicate, forbidden, invalid, required

Object = Mapping[str, Any]
REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge")
ACTIONS = ("Audit", "Deny", "Warn")
TWICE = (
    "must not contain both Deny and Warn (repeating the same validation failure information in the API response and "
    "headers serves no purpose)"
)
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
RESERVED = re.compile(
    "true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|package|namespace|return|var|void|while"
)
MAX_ANNOTATIONS = 20
MAX_VALUE = 5 * 1024
NOTHING = "validations or auditAnnotations must contain at least one item"


def check_policy(obj: Object) -> list[Cause]:
    """The causes for which a policy is refused."""
    spec = obj.get("spec") or {}
    names = names_of(spec)
    causes = checks.one_of("spec.failurePolicy", spec.get("failurePolicy"), checks.FAILURE_POLICIES)
    causes += _param_kind("spec.paramKind", spec.get("paramKind"))
    causes += _constraints("spec.matchConstraints", spec.get("matchConstraints"))
    causes += checks.conditions("spec.matchConditions", spec.get("matchConditions") or [], names)
    causes += _variables(spec, names)
    validations, annotations = spec.get("validations") or (), spec.get("auditAnnotations") or ()
    if not validations and not annotations:
        return [*causes, *(required(f"spec.{key}", NOTHING) for key in ("validations", "auditAnnotations"))]
    variables = variables_of(spec)
    for index, one in enumerate(validations):
        causes += _validation(f"spec.validations[{index}]", one, names, variables)
    if len(annotations) > MAX_ANNOTATIONS:
        text = f"must not have more than {MAX_ANNOTATIONS} auditAnnotations"
        return [*causes, invalid("spec.auditAnnotations", annotations, text)]
    return causes + _annotations(obj, annotations, names, variables)


def _constraints(where: str, match: Object | None) -> list[Cause]:
    if match is None:
        return [required(where)]
    causes = _match(where, match)
    return causes if match.get("resourceRules") else [*causes, required(f"{where}.resourceRules")]


def _match(where: str, match: Object) -> list[Cause]:
    causes = checks.match(f"{where}.", match)
    for key in ("resourceRules", "excludeResourceRules"):
        causes += check_rules(f"{where}.{key}", match.get(key) or [])
    return causes


def _param_kind(where: str, kind: Object | None) -> list[Cause]:
    if kind is None:
        return []
    causes: list[Cause] = []
    given, name = str(kind.get("apiVersion") or ""), str(kind.get("kind") or "")
    group, _, version = given.rpartition("/")
    if not given:
        causes.append(required(f"{where}.apiVersion"))
    elif "/" in group:
        causes.append(invalid(f"{where}.apiVersion", given, f"unexpected GroupVersion string: {given}"))
    else:
        if group and (problem := dns_subdomain(group)):
            causes.append(invalid(f"{where}.apiVersion", group, problem))
        if not version:
            causes.append(invalid(f"{where}.apiVersion", given, "version must be specified"))
        elif problem := dns_1035_label(version):
            causes.append(invalid(f"{where}.apiVersion", version, problem))
    if not name:
        causes.append(required(f"{where}.kind"))
    elif problem := dns_1035_label(name.lower()):
        text = f"may have mixed case, but should otherwise match: {problem}"
        causes.append(invalid(f"{where}.kind", name, text))
    return causes


def _variables(spec: Object, names: tuple[str, ...]) -> list[Cause]:
    causes: list[Cause] = []
    before: list[tuple[str, str]] = []
    for index, (name, body) in enumerate(variables_of(spec)):
        at = f"spec.variables[{index}]"
        if not name.strip():
            causes.append(required(f"{at}.name", "name is not specified"))
        elif not IDENTIFIER.fullmatch(name) or RESERVED.fullmatch(name):
            causes.append(invalid(f"{at}.name", name, "name is not a valid CEL identifier"))
        elif name in dict(before):
            causes.append(duplicate(f"{at}.name", name))
        else:
            absent = "expression is not specified"
            causes += checks.expression(f"{at}.expression", body, names, before, kinds=(), absent=absent)
            before.append((name, body))
    return causes


def _validation(where: str, one: Object, names: tuple[str, ...], variables: Sequence[tuple[str, str]]) -> list[Cause]:
    absent = "expression is not specified"
    causes = checks.expression(f"{where}.expression", one.get("expression"), names, variables, absent=absent)
    told, message = one.get("messageExpression"), one.get("message")
    if told and not told.strip():
        causes.append(invalid(f"{where}.messageExpression", told, "must be non-empty if specified"))
    elif told:
        silent = tuple(name for name in names if name != "authorizer")
        causes += checks.expression(f"{where}.messageExpression", told, silent, variables, kinds=("string",))
    if message and not message.strip():
        causes.append(invalid(f"{where}.message", message, "message must be non-empty if specified"))
    elif message and re.search(r"[\n\r]", message.strip()):
        causes.append(invalid(f"{where}.message", message, "message must not contain line breaks"))
    return causes + checks.one_of(f"{where}.reason", one.get("reason"), REASONS)


def _annotations(
    obj: Object, given: Sequence[Object], names: tuple[str, ...], variables: Sequence[tuple[str, str]]
) -> list[Cause]:
    causes: list[Cause] = []
    policy = (obj.get("metadata") or {}).get("name") or ""
    seen: set[str] = set()
    for index, one in enumerate(given):
        at, key, value = f"spec.auditAnnotations[{index}]", str(one.get("key") or ""), one.get("valueExpression") or ""
        if problem := label_key_problem(f"{policy}/{key}"):
            causes.append(invalid(f"{at}.key", f"{policy}/{key}", problem))
        if len(value.strip()) > MAX_VALUE:
            causes.append(required(f"{at}.valueExpression", f"must not exceed {MAX_VALUE} bytes in length"))
        else:
            causes += checks.expression(
                f"{at}.valueExpression",
                value,
                names,
                variables,
                kinds=("string", "null_type"),
                absent="valueExpression is not specified",
            )
        if key in seen:
            causes.append(duplicate(f"{at}.key", key))
        seen.add(key)
    return causes


def check_binding(obj: Object) -> list[Cause]:
    """The causes for which a binding is refused."""
    spec = obj.get("spec") or {}
    causes: list[Cause] = []
    name, actions = spec.get("policyName"), spec.get("validationActions") or []
    if not name:
        causes.append(required("spec.policyName"))
    elif problem := dns_subdomain(str(name)):
        causes.append(invalid("spec.policyName", name, problem))
    causes += _param_ref("spec.paramRef", spec.get("paramRef"))
    if spec.get("matchResources") is not None:
        # Kubernetes has misspelt this place ever since.
        causes += _match("spec.matchResouces", spec["matchResources"])
    for index, action in enumerate(actions):
        where = f"spec.validationActions[{index}]"
        causes += checks.one_of(where, action, ACTIONS)
        if action in actions[:index]:
            causes.append(duplicate(where, action))
    if "Deny" in actions and "Warn" in actions:
        causes.append(invalid("spec.validationActions", actions, TWICE))
    if not actions:
        causes.append(required("spec.validationActions", "at least one validation action is required"))
    return causes


def _param_ref(where: str, reference: Object | None) -> list[Cause]:
    if reference is None:
        return []
    causes: list[Cause] = []
    name, chosen = reference.get("name"), reference.get("selector") is not None
    if name and (problem := path_segment(str(name))):
        causes.append(invalid(f"{where}.name", name, problem))
    if name and chosen:
        causes += [
            forbidden(f"{where}.{key}", "name and selector are mutually exclusive") for key in ("name", "selector")
        ]
    elif not name and not chosen:
        causes.append(required(where, "one of name or selector must be specified"))
    causes += check_selector(f"{where}.selector", reference.get("selector"))
    missing = reference.get("parameterNotFoundAction")
    if not missing:
        return [*causes, required(f"{where}.parameterNotFoundAction")]
    return causes + checks.one_of(f"{where}.parameterNotFoundAction", missing, ("Deny", "Allow"))
