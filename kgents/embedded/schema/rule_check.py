"""The CEL rules of a CRD, checked when it is made: they compile, say true or false, and are not too dear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kgents.embedded.schema import cost
from kgents.embedded.schema.causes import (
    DUPLICATE,
    FORBIDDEN,
    INVALID,
    REQUIRED,
    Cause,
    forbidden,
    invalid,
    not_supported,
    required,
)
from kgents.embedded.schema.cel import CelError, Expression, compile_in
from kgents.embedded.schema.cel_types import Types
from kgents.embedded.schema.node import Node, compile_schema
from kgents.embedded.schema.rules import compile_rule, field_suffix, mentions_old_self

REASONS = (REQUIRED, FORBIDDEN, INVALID, DUPLICATE)
ROOT_EXTRAS = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 253},
            "generateName": {"type": "string", "maxLength": 253},
        },
    },
}


def check_rule_sources(schema: Mapping[str, Any], path: str) -> list[Cause]:
    """Everything wrong with the rules anywhere in an `openAPIV3Schema`, which is structural already."""
    checker = _Checker()
    complete = {**schema, "properties": {**(schema.get("properties") or {}), **ROOT_EXTRAS}}
    checker.visit(compile_schema(complete), path, 1, "")
    if checker.total > cost.PER_SCHEMA:
        text = (
            "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget "
            f"by factor of {_factor(checker.total, cost.PER_SCHEMA)} {cost.HINT}"
        )
        checker.causes.append(forbidden(path, text))
    return checker.causes


def _factor(spent: float, budget: float) -> str:
    factor = spent / budget
    return "more than 100x" if factor > 100 else f"{factor:.1f}x"


class _Checker:
    def __init__(self) -> None:
        self.causes: list[Cause] = []
        self.total = 0.0

    def visit(self, node: Node, path: str, times: int, lost: str) -> None:
        """`times` is how often this place can occur in one object; `lost` the list that hides old values, if any."""
        if node.rules:
            self._check_rules(node, f"{path}.x-kubernetes-validations", times, lost)
        for name, child in node.properties.items():
            self.visit(child, f"{path}.properties[{name}]", times, lost)
        if node.additional is not None and node.additional.source:
            count = min(times * cost.size_limit(node), cost.REQUEST_BYTES)
            self.visit(node.additional, f"{path}.additionalProperties", count, lost)
        if node.items is not None:
            count = min(times * cost.size_limit(node), cost.REQUEST_BYTES)
            self.visit(node.items, f"{path}.items", count, lost if node.map_keys else lost or f"{path}.items")

    def _check_rules(self, node: Node, path: str, times: int, lost: str) -> None:
        environments: dict[bool, Any] = {}
        for at, rule in enumerate(node.rules):
            where = f"{path}[{at}]"
            optional = bool(rule.get("optionalOldSelf"))
            if optional not in environments:
                environments[optional] = Types().environment(node, optional_old=optional)
            self._check_rule(node, rule, where, environments[optional], lost)
            self._check_cost(str(rule.get("rule") or ""), node, f"{where}.rule", times)
            self._check_cost(str(rule.get("messageExpression") or ""), node, f"{where}.messageExpression", times)

    def _check_rule(self, node: Node, rule: Mapping[str, Any], path: str, env: Any, lost: str) -> None:
        source = str(rule.get("rule") or "").strip()
        if not source:
            self.causes.append(required(f"{path}.rule", "rule is not specified"))
            return
        problem = _problem(source, env, bool(rule.get("optionalOldSelf")), "BOOL", "a bool")
        if problem:
            self.causes.append(invalid(f"{path}.rule", source, problem))
        if lost and mentions_old_self(source) and not rule.get("optionalOldSelf"):
            text = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {lost}"
            self.causes.append(invalid(f"{path}.rule", source, text))
        told = str(rule.get("messageExpression") or "").strip()
        if told:
            problem = _problem(told, env, bool(rule.get("optionalOldSelf")), "STRING", "a string")
            if problem:
                self.causes.append(invalid(f"{path}.messageExpression", told, problem))
        message = rule.get("message")
        if isinstance(message, str) and message and not message.strip():
            self.causes.append(invalid(f"{path}.message", message, "message must be non-empty if specified"))
        elif isinstance(message, str) and "\n" in message.strip():
            self.causes.append(invalid(f"{path}.message", message, "message must not contain line breaks"))
        reason = rule.get("reason")
        if reason is not None and reason not in REASONS:
            self.causes.append(not_supported(f"{path}.reason", reason, REASONS))
        place = rule.get("fieldPath")
        if place and field_suffix(place).replace("[", "").replace("]", "") == "":
            self.causes.append(invalid(f"{path}.fieldPath", place, "fieldPath must be a valid path"))

    def _check_cost(self, source: str, node: Node, path: str, times: int) -> None:
        if not source:
            return
        spent = cost.estimate(source, node) * times
        self.total += spent
        if spent > cost.PER_RULE:
            text = f"estimated rule cost exceeds budget by factor of {_factor(spent, cost.PER_RULE)} {cost.HINT}"
            self.causes.append(forbidden(path, text))


def _problem(source: str, env: Any, optional: bool, wanted: str, article: str) -> str:
    """Why an expression is not acceptable, or nothing."""
    try:
        kind = Expression(source, compile_in(env, source)).result_type
        compile_rule(source, optional)
    except CelError as error:
        return error.what
    if kind not in (wanted, "DYN"):
        name = "messageExpression" if wanted == "STRING" else "cel expression"
        return f"{name} must evaluate to {article}"
    return ""
