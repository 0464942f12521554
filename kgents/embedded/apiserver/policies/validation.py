"""What is wrong with a policy or a binding, told when it is written instead of when it should judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kgents.embedded.apiserver.names import dns_subdomain
from kgents.embedded.apiserver.policies import checks
from kgents.embedded.apiserver.policies.compiled import names_of, variables_of
from kgents.embedded.schema.causes import Cause, duplicate, forbidden, invalid, required

Object = Mapping[str, Any]
REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized")
ACTIONS = ("Audit", "Deny", "Warn")
TWICE = (
    "must not contain both Deny and Warn (repeating the same validation failure information in the API response and "
    "headers serves no purpose)"
)


def check_policy(obj: Object) -> list[Cause]:
    """The causes for which a policy is refused."""
    spec = obj.get("spec") or {}
    names = names_of(spec)
    causes = checks.one_of("spec.failurePolicy", spec.get("failurePolicy"), checks.FAILURE_POLICIES)
    causes += _constraints("spec.matchConstraints", spec.get("matchConstraints"))
    causes += _param_kind(spec.get("paramKind"))
    causes += checks.conditions("spec.matchConditions", spec.get("matchConditions") or [], names)
    causes += _variables(spec, names)
    if not spec.get("validations") and not spec.get("auditAnnotations"):
        causes.append(required("spec.validations", "validations or auditAnnotations must be non-empty"))
    variables = variables_of(spec)
    for index, one in enumerate(spec.get("validations") or ()):
        causes += _validation(f"spec.validations[{index}]", one, names, variables)
    return causes + _annotations(spec.get("auditAnnotations") or (), names, variables)


def _constraints(where: str, match: Object | None) -> list[Cause]:
    if not match:
        return [required(where)]
    given = match.get("resourceRules") or []
    causes = checks.rules(f"{where}.resourceRules", given) if given else [required(f"{where}.resourceRules")]
    causes += checks.rules(f"{where}.excludeResourceRules", match.get("excludeResourceRules") or [])
    return causes + checks.match(f"{where}.", match)


def _param_kind(kind: Object | None) -> list[Cause]:
    if kind is None:
        return []
    return [required(f"spec.paramKind.{key}") for key in ("apiVersion", "kind") if not kind.get(key)]


def _variables(spec: Object, names: tuple[str, ...]) -> list[Cause]:
    causes: list[Cause] = []
    before: list[tuple[str, str]] = []
    for index, (name, body) in enumerate(variables_of(spec)):
        at = f"spec.variables[{index}]"
        if not checks.IDENTIFIER.fullmatch(name):
            causes.append(invalid(f"{at}.name", name, "name is not a valid CEL identifier"))
        elif name in dict(before):
            causes.append(duplicate(f"{at}.name", name))
        else:
            causes += checks.expression(f"{at}.expression", body, names, before, result="")
            before.append((name, body))
    return causes


def _validation(where: str, one: Object, names: tuple[str, ...], variables: Sequence[tuple[str, str]]) -> list[Cause]:
    causes = checks.expression(f"{where}.expression", one.get("expression"), names, variables)
    told, message = one.get("messageExpression"), one.get("message")
    if told:
        causes += checks.expression(f"{where}.messageExpression", told, names, variables, result="STRING")
    if isinstance(message, str) and message:
        if not message.strip():
            causes.append(invalid(f"{where}.message", message, "message must be non-empty if specified"))
        elif "\n" in message.strip():
            causes.append(invalid(f"{where}.message", message, "message must not contain line breaks"))
    return causes + checks.one_of(f"{where}.reason", one.get("reason"), REASONS)


def _annotations(given: Sequence[Object], names: tuple[str, ...], variables: Sequence[tuple[str, str]]) -> list[Cause]:
    causes: list[Cause] = []
    for index, one in enumerate(given):
        at = f"spec.auditAnnotations[{index}]"
        if not one.get("key"):
            causes.append(required(f"{at}.key"))
        causes += checks.expression(f"{at}.valueExpression", one.get("valueExpression"), names, variables, result="")
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
    if not actions:
        causes.append(required("spec.validationActions"))
    for index, action in enumerate(actions):
        where = f"spec.validationActions[{index}]"
        causes += checks.one_of(where, action, ACTIONS)
        if action in actions[:index]:
            causes.append(duplicate(where, action))
    if "Deny" in actions and "Warn" in actions:
        causes.append(invalid("spec.validationActions", actions, TWICE))
    match = spec.get("matchResources")
    if match:
        causes += checks.rules("spec.matchResources.resourceRules", match.get("resourceRules") or [])
        causes += checks.rules("spec.matchResources.excludeResourceRules", match.get("excludeResourceRules") or [])
        causes += checks.match("spec.matchResources.", match)
    return causes + _param_ref("spec.paramRef", spec.get("paramRef"))


def _param_ref(where: str, reference: Object | None) -> list[Cause]:
    if reference is None:
        return []
    causes: list[Cause] = []
    named, chosen = bool(reference.get("name")), reference.get("selector") is not None
    if named and chosen:
        causes.append(forbidden(f"{where}.name", "name and selector are mutually exclusive"))
    elif not named and not chosen:
        causes.append(required(where, "one of name or selector must be specified"))
    if reference.get("parameterNotFoundAction") is None:
        causes.append(required(f"{where}.parameterNotFoundAction"))
    causes += checks.one_of(
        f"{where}.parameterNotFoundAction", reference.get("parameterNotFoundAction"), ("Allow", "Deny")
    )
    return causes + checks.selector(f"{where}.selector", reference.get("selector"))
