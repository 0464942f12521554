"""The CEL rules of a CRD, checked when it is made: well-formed, they compile, say true or false, are not too dear.

As in Kubernetes, expressions are looked at only once everything else about a schema and what is below it is right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from kgents.embedded.schema.cost_places import SchemaPlace, smallest
from kgents.embedded.schema.node import Node, compile_schema
from kgents.embedded.schema.rule_paths import target
from kgents.embedded.schema.rules import compile_rule, mentions_old_self

Rule = Mapping[str, Any]
REASONS = (DUPLICATE, FORBIDDEN, INVALID, REQUIRED)
MOST_TOLD = 4
"""The dearest rules, which alone are named when all together are too dear."""
CONTRIBUTED = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
EXTRAS = {
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


def check_rule_sources(
    schema: Mapping[str, Any], path: str, faults: Sequence[str] = (), *, compiles: bool = True
) -> list[Cause]:
    """Everything wrong with the rules anywhere in an `openAPIV3Schema`.

    Expressions are looked at only if the schema `compiles`, and none of its `faults` are where they stand or below.
    """
    checker = _Checker(faults, compiles=compiles)
    checker.visit(compile_schema(_completed(schema, is_root=True)), path, 1.0, "")
    if checker.total > cost.PER_SCHEMA:
        dear = [place for place, spent in checker.spent.items() if spent >= cost.PER_SCHEMA / 100]
        dear = sorted(dear, key=lambda place: -checker.spent[place])[:MOST_TOLD]
        checker.causes += [forbidden(place, CONTRIBUTED) for place in dear]
        name = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"
        checker.causes.append(forbidden(path, _exceeds(name, checker.total, cost.PER_SCHEMA)))
    return checker.causes


def _completed(schema: Any, *, is_root: bool = False) -> Any:
    """The schema with what rules see of every whole object, the root and embedded ones, declared or not."""
    if not isinstance(schema, Mapping):
        return schema
    parts = {name: _completed(schema[name]) for name in ("items", "additionalProperties") if name in schema}
    properties = {name: _completed(child) for name, child in (schema.get("properties") or {}).items()}
    if is_root or schema.get("x-kubernetes-embedded-resource"):
        properties.update(EXTRAS)
    return {**schema, **parts, "properties": properties} if properties else {**schema, **parts}


def _exceeds(name: str, spent: float, budget: float) -> str:
    factor = spent / budget
    shown = "more than 100x" if factor > 100 else f"{factor:f}x" if factor < 1.5 else f"{factor:.1f}x"
    return f"{name} exceeds budget by factor of {shown} {cost.HINT}"


def check_form(rule: Rule, node: Node, path: str) -> list[Cause]:
    """What can be said about a rule without compiling it."""
    causes: list[Cause] = []
    source, message = (str(rule.get(name) or "") for name in ("rule", "message"))
    if not source.strip():
        causes.append(required(f"{path}.rule", "rule is not specified"))
    elif message and not message.strip():
        causes.append(invalid(f"{path}.message", message, "must be non-empty if specified"))
    elif _broken(message.strip()):
        causes.append(invalid(f"{path}.message", message, "must not contain line breaks"))
    elif _broken(source.strip()) and not message:
        causes.append(required(f"{path}.message", "message must be specified if rule contains line breaks"))
    told = str(rule.get("messageExpression") or "")
    if told and not told.strip():
        causes.append(required(f"{path}.messageExpression", "messageExpression must be non-empty if specified"))
    reason = rule.get("reason")
    if reason is not None and reason not in REASONS:
        causes.append(not_supported(f"{path}.reason", reason, REASONS))
    place = str(rule.get("fieldPath") or "")
    if place and not place.strip():
        causes.append(invalid(f"{path}.fieldPath", place, "must be non-empty if specified"))
    if _broken(place):
        causes.append(invalid(f"{path}.fieldPath", place, "must not contain line breaks"))
    if place and target(node, place) is None:
        causes.append(invalid(f"{path}.fieldPath", place, "must be a valid path"))
    return causes


def _broken(text: str) -> bool:
    return "\n" in text or "\r" in text


def _multiplied(times: float | None, limit: Any) -> float | None:
    return None if times is None or limit is None else times * max(0, limit)


class _Checker:
    def __init__(self, faults: Sequence[str], *, compiles: bool) -> None:
        self._faults = faults
        self._compiles = compiles
        self.causes: list[Cause] = []
        self.spent: dict[str, float] = {}

    @property
    def total(self) -> float:
        """The cost of all expressions together."""
        return sum(self.spent.values())

    def visit(self, node: Node, path: str, times: float | None, lost: str) -> bool:
        """Check a place and what is below it; whether all rules are well-formed.

        `times` is how often this place can occur in one object, None if nothing bounds that; `lost` the list that
        hides old values, if any.
        """
        sound = not any(fault.startswith((f"{path}.", f"{path}[")) for fault in self._faults)
        for name, child in node.properties.items():
            sound &= self.visit(child, f"{path}.properties[{name}]", times, lost)
        if node.additional is not None and node.additional.source:
            many = _multiplied(times, node.source.get("maxProperties"))
            sound &= self.visit(node.additional, f"{path}.additionalProperties", many, lost)
        if node.items is not None:
            hidden = lost if node.map_keys else lost or path
            many = _multiplied(times, node.source.get("maxItems"))
            sound &= self.visit(node.items, f"{path}.items", many, hidden)
        if not node.rules:
            return sound
        places = [(rule, f"{path}.x-kubernetes-validations[{at}]") for at, rule in enumerate(node.rules)]
        wrong = [cause for rule, place in places for cause in check_form(rule, node, place)]
        self.causes += wrong
        if sound and not wrong and self._compiles:
            if times is None:
                times = cost.REQUEST_BYTES // (
                    smallest(node) + 1
                )  # no more of them, with their commas, fit in a request
            self._compile(node, places, times, lost)
        return sound and not wrong

    def _compile(self, node: Node, places: list[tuple[Rule, str]], times: float, lost: str) -> None:
        environments: dict[bool, Any] = {}
        for rule, path in places:
            optional = bool(rule.get("optionalOldSelf"))
            if optional not in environments:
                environments[optional] = Types().environment(node, optional_old=optional)
            self._check_rule(node, rule, path, environments[optional], times)
            source = str(rule["rule"]).strip()
            if mentions_old_self(source):
                if lost:
                    text = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {lost}"
                    self.causes.append(invalid(f"{path}.rule", source, text))
            elif rule.get("optionalOldSelf") is not None:
                text = "may not be set if oldSelf is not used in rule"
                self.causes.append(invalid(f"{path}.optionalOldSelf", optional, text))

    def _check_rule(self, node: Node, rule: Rule, path: str, env: Any, times: float) -> None:
        optional = bool(rule.get("optionalOldSelf"))
        for name, wanted, said in (("rule", "BOOL", "rule"), ("messageExpression", "STRING", "messageExpression")):
            source = str(rule.get(name) or "").strip()
            if not source:
                continue
            try:
                spent = _compiled(source, env, optional, wanted, node) * (times if name == "rule" else 1)
            except CelError as error:
                self.causes.append(invalid(f"{path}.{name}", _as_go(rule), error.what))
                return
            self.spent[f"{path}.{name}"] = spent
            if spent > cost.PER_RULE:
                text = _exceeds(f"estimated {said} cost", spent, cost.PER_RULE)
                self.causes.append(forbidden(f"{path}.{name}", text))


def _compiled(source: str, env: Any, optional: bool, wanted: str, node: Node) -> float:
    """The cost of one evaluation of an expression. CelError when it is not acceptable."""
    is_message = wanted == "STRING"
    try:
        expression = Expression(source, compile_in(env, source))
        compile_rule(source, optional)
        tree = expression.tree()
    except CelError as error:
        raise CelError(f"messageExpression {error.what}" if is_message else error.what) from error
    if expression.result_type not in (wanted, "DYN"):
        raise CelError(
            "messageExpression must evaluate to a string" if is_message else "cel expression must evaluate to a bool"
        )
    place = SchemaPlace(node)
    return cost.estimate(tree, {"self": place, "oldSelf": place})


def _as_go(rule: Rule) -> dict[str, Any]:
    """A rule as Kubernetes shows it, which is its internal form."""
    texts = {name: rule.get(name[0].lower() + name[1:]) or "" for name in ("Rule", "Message", "MessageExpression")}
    rest = {name: rule.get(name[0].lower() + name[1:]) for name in ("Reason", "OptionalOldSelf")}
    return {**texts, **rest, "FieldPath": rule.get("fieldPath") or ""}
