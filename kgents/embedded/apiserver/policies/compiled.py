"""Policies and bindings as they are evaluated: compiled once, immutable: one deleted meanwhile ends in peace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kgents.embedded.apiserver.policies.conditions import Conditions, Program
from kgents.embedded.apiserver.policies.expressions import BASIC
from kgents.embedded.apiserver.policies.text_work import Readers, readers
from kgents.embedded.apiserver.targets import LabelSelector, Target

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Validation:
    """One rule of a policy."""

    rule: Program
    message: str
    told: Program | None
    reason: str


@dataclass(frozen=True, slots=True)
class Annotation:
    """What a policy wants to be noted of a write."""

    key: str
    value: Program


@dataclass(frozen=True, slots=True)
class ParamKind:
    """The kind of a policy's parameters."""

    group: str
    version: str
    kind: str


@dataclass(frozen=True, slots=True)
class ParamRef:
    """Which objects a binding passes as parameters, one at a time."""

    name: str
    namespace: str
    selector: LabelSelector | None
    must_exist: bool


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a policy is in force, and what a violation leads to."""

    name: str
    target: Target
    actions: tuple[str, ...]
    params: ParamRef | None


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy with all its bindings. `asks`: an expression mentions the authorizer; `readers`: see `text_work`."""

    name: str
    fails_closed: bool
    target: Target
    names: tuple[str, ...]
    conditions: Conditions
    validations: tuple[Validation, ...]
    annotations: tuple[Annotation, ...]
    param_kind: ParamKind | None
    bindings: tuple[Binding, ...]
    asks: bool
    readers: Readers


def compile_policies(policies: Iterable[Object], bindings: Iterable[Object]) -> tuple[Policy, ...]:
    """All policies that some binding puts in force, by name."""
    bound: dict[str, list[Binding]] = {}
    for binding in bindings:
        bound.setdefault(str(binding["spec"].get("policyName")), []).append(_binding(binding))
    return tuple(
        _policy(policy, tuple(bound[policy["metadata"]["name"]]))
        for policy in policies
        if policy["metadata"]["name"] in bound
    )


def _policy(policy: Mapping[str, Any], bindings: tuple[Binding, ...]) -> Policy:
    spec = policy["spec"]
    match = spec.get("matchConstraints") or {}
    kind = spec.get("paramKind")
    names = names_of(spec)
    variables = variables_of(spec)
    validations = tuple(_validation(one, names, variables) for one in spec.get("validations") or ())
    conditions = Conditions.of(spec.get("matchConditions"), names)
    annotations = tuple(_annotation(one, names, variables) for one in spec.get("auditAnnotations") or ())
    sources = [program.source for program in conditions.programs] + [body for _, body in variables]
    for one in validations:
        sources += [one.rule.source, one.told.source if one.told else ""]
    sources += [one.value.source for one in annotations]
    return Policy(
        policy["metadata"]["name"],
        spec.get("failurePolicy") != "Ignore",
        Target.of(match, match.get("resourceRules") or ()),
        names,
        conditions,
        validations,
        annotations,
        param_kind(kind) if kind else None,
        bindings,
        any("authorizer" in source for source in sources),
        readers(sources),
    )


def names_of(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """What a policy's expressions may name; `params` only if it has any."""
    return (*BASIC, "params") if spec.get("paramKind") else BASIC


def variables_of(spec: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A policy's variables, in order."""
    return [(str(one.get("name")), str(one.get("expression") or "")) for one in spec.get("variables") or ()]


def param_kind(source: Mapping[str, Any]) -> ParamKind:
    """From `paramKind`."""
    group, _, version = str(source.get("apiVersion") or "").rpartition("/")
    return ParamKind(group, version, str(source.get("kind") or ""))


def _validation(source: Mapping[str, Any], names: tuple[str, ...], variables: list[tuple[str, str]]) -> Validation:
    told = str(source.get("messageExpression") or "")
    return Validation(
        Program.of(str(source.get("expression") or ""), names, variables),
        str(source.get("message") or "").strip(),
        Program.of(told, names, variables) if told else None,
        str(source.get("reason") or "Invalid"),
    )


def _annotation(source: Mapping[str, Any], names: tuple[str, ...], variables: list[tuple[str, str]]) -> Annotation:
    value = Program.of(str(source.get("valueExpression") or ""), names, variables)
    return Annotation(str(source.get("key") or ""), value)


def _binding(binding: Mapping[str, Any]) -> Binding:
    spec = binding["spec"]
    match = spec.get("matchResources") or {}
    reference = spec.get("paramRef")
    params = None
    if reference:
        selector = reference.get("selector")
        params = ParamRef(
            str(reference.get("name") or ""),
            str(reference.get("namespace") or ""),
            None if selector is None else LabelSelector.of(selector),
            reference.get("parameterNotFoundAction") != "Allow",
        )
    actions = tuple(spec.get("validationActions") or ("Deny",))
    return Binding(binding["metadata"]["name"], Target.of(match, match.get("resourceRules") or None), actions, params)
