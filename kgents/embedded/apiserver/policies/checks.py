"""Checks that policies, bindings and webhooks have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kgents.embedded.apiserver.names import label_key_problem
from kgents.embedded.apiserver.policies.expressions import compile_expression
from kgents.embedded.schema.causes import Cause, duplicate, invalid, not_supported, required, too_many
from kgents.embedded.schema.cel import CelError

Object = Mapping[str, Any]
Variables = Sequence[tuple[str, str]]
OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
SCOPES = ("*", "Cluster", "Namespaced")
FAILURE_POLICIES = ("Fail", "Ignore")
MATCH_POLICIES = ("Equivalent", "Exact")
SELECTOR_OPERATORS = ("DoesNotExist", "Exists", "In", "NotIn")
MAX_CONDITIONS = 64
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def one_of(where: str, value: Any, supported: Iterable[str]) -> list[Cause]:
    """A value out of a few; absent is fine."""
    known = list(supported)
    return [] if value is None or value in known else [not_supported(where, value, known)]


def rules(where: str, given: Sequence[Object], *, named: bool = False) -> list[Cause]:
    """The rules of a policy or of a webhook. `named`: each says which operations."""
    causes: list[Cause] = []
    for index, rule in enumerate(given):
        at = f"{where}[{index}]"
        for key in ("operations", "apiGroups", "apiVersions", "resources"):
            entries = rule.get(key) or []
            if not entries:
                causes.append(required(f"{at}.{key}"))
            elif "*" in entries and len(entries) > 1 and key != "resources":
                causes.append(invalid(f"{at}.{key}", entries, "if '*' is present, must not specify other values"))
        for spot, operation in enumerate(rule.get("operations") or ()):
            causes += one_of(f"{at}.operations[{spot}]", operation, OPERATIONS)
        causes += one_of(f"{at}.scope", rule.get("scope"), SCOPES)
    return causes


def selector(where: str, given: Object | None) -> list[Cause]:
    """A label selector."""
    causes: list[Cause] = []
    for key in (given or {}).get("matchLabels") or {}:
        if problem := label_key_problem(key):
            causes.append(invalid(f"{where}.matchLabels", key, problem))
    for index, one in enumerate((given or {}).get("matchExpressions") or ()):
        at = f"{where}.matchExpressions[{index}]"
        operator, values = one.get("operator"), one.get("values") or []
        if operator not in SELECTOR_OPERATORS:
            causes.append(invalid(f"{at}.operator", operator, "not a valid selector operator"))
        elif operator in ("In", "NotIn") and not values:
            causes.append(required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
        elif operator in ("Exists", "DoesNotExist") and values:
            text = "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            causes.append(Cause(f"{at}.values", "FieldValueForbidden", text))
        if problem := label_key_problem(str(one.get("key") or "")):
            causes.append(invalid(f"{at}.key", one.get("key"), problem))
    return causes


def match(where: str, given: Object) -> list[Cause]:
    """What policies, bindings and webhooks select by."""
    causes = one_of(f"{where}matchPolicy", given.get("matchPolicy"), MATCH_POLICIES)
    causes += selector(f"{where}namespaceSelector", given.get("namespaceSelector"))
    return causes + selector(f"{where}objectSelector", given.get("objectSelector"))


def expression(
    where: str, source: Any, names: tuple[str, ...], variables: Variables = (), result: str = "BOOL"
) -> list[Cause]:
    """An expression that must be there, compile, and say what it should (`BOOL`, `STRING`; empty: anything)."""
    text = str(source or "").strip()
    if not text:
        return [required(where)]
    try:
        kind = compile_expression(text, names, variables).result_type
    except CelError as error:
        return [invalid(where, text, error.what)]
    if result and kind not in (result, "DYN"):
        return [invalid(where, text, f"must evaluate to {result.lower()}")]
    return []


def conditions(where: str, given: Sequence[Object], names: tuple[str, ...]) -> list[Cause]:
    """Match conditions."""
    causes: list[Cause] = [too_many(where, len(given), MAX_CONDITIONS)] if len(given) > MAX_CONDITIONS else []
    seen: set[str] = set()
    for index, one in enumerate(given[:MAX_CONDITIONS]):
        at, name = f"{where}[{index}]", str(one.get("name") or "")
        if not name:
            causes.append(required(f"{at}.name"))
        elif problem := label_key_problem(name):
            causes.append(invalid(f"{at}.name", name, problem))
        elif name in seen:
            causes.append(duplicate(f"{at}.name", name))
        seen.add(name)
        causes += expression(f"{at}.expression", one.get("expression"), names)
    return causes
