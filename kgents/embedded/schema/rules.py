"""x-kubernetes-validations: CEL rules on every level of a custom object.

`self` is what the schema says it is: numbers are doubles, dates are timestamps, property names are escaped. A rule
that speaks of `oldSelf` is a transition rule and runs only where an old value can be found.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from kgents.embedded.schema.causes import (
    DUPLICATE,
    FORBIDDEN,
    INVALID,
    REQUIRED,
    Cause,
    show,
)
from kgents.embedded.schema.cel import CelError, Expression, OverBudget, compile_expression
from kgents.embedded.schema.cel_values import to_cel
from kgents.embedded.schema.node import ABSENT, Node
from kgents.embedded.schema.ratchet import correlate, same

MAX_EVALUATIONS = 20_000
"""Rule evaluations for one object; about 200 ms of work. What needs more is refused, not waited for."""
MAX_CPU_SECONDS = 2.0
"""Processor time for the rules of one object, for rules whose single evaluations are slow."""
OUT_OF_BUDGET = "validation failed due to running out of cost budget"

_TEXT = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
_OLD_SELF = re.compile(r"\boldSelf\b")
_FIELD_PART = re.compile(r"\.([^.\[]+)|\['((?:[^'\\]|\\.)*)'\]")
PREFIXES = {INVALID: "Invalid value", FORBIDDEN: "Forbidden", REQUIRED: "Required value", DUPLICATE: "Duplicate value"}


class Rule:
    """One compiled rule."""

    __slots__ = ("field", "message", "message_expression", "optional_old", "program", "reason", "source", "transition")

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.source = str(raw.get("rule") or "").strip()
        self.message = str(raw.get("message") or "").strip()
        self.reason = str(raw.get("reason") or INVALID)
        self.field = field_suffix(str(raw.get("fieldPath") or ""))
        self.transition = mentions_old_self(self.source)
        self.optional_old = bool(raw.get("optionalOldSelf"))
        self.program = compile_rule(self.source, self.optional_old)
        expression = str(raw.get("messageExpression") or "").strip()
        self.message_expression = compile_rule(expression, self.optional_old) if expression else None

    def text(self, variables: Mapping[str, Any]) -> str:
        """What to tell the client; a message expression that fails gives way to the message."""
        if self.message_expression is not None:
            try:
                told = self.message_expression.evaluate(variables)
            except CelError:
                told = None  # Kubernetes too falls back to the message here
            if isinstance(told, str) and told.strip() and "\n" not in told:
                return told.strip()
        return self.message or f"failed rule: {self.source}"


def mentions_old_self(source: str) -> bool:
    """Whether an expression uses oldSelf, strings aside."""
    return _OLD_SELF.search(_TEXT.sub('""', source)) is not None


def compile_rule(source: str, optional_old: bool) -> Expression:
    """Compile for evaluation, where values are untyped. CelError when it does not parse."""
    if optional_old:
        wrapped = f"cel.bind(oldSelf, hasOldSelf ? optional.of(oldSelfValue) : optional.none(), {source}\n)"
        return compile_expression(wrapped, {"self": "dyn", "oldSelfValue": "dyn", "hasOldSelf": "bool"})
    return compile_expression(source, {"self": "dyn", "oldSelf": "dyn"})


def field_suffix(path: str) -> str:
    """A rule's fieldPath as the end of a field name: `.min`, `['a.b']` becomes `[a.b]`."""
    return "".join(f".{name}" if name else f"[{key}]" for name, key in _FIELD_PART.findall(path))


@lru_cache(maxsize=4096)
def _compiled(node: Node) -> tuple[Rule, ...]:
    return tuple(Rule(raw) for raw in node.rules)


def check_rules(node: Node, new: Any, old: Any = ABSENT, clock: Callable[[], float] = time.thread_time) -> list[Cause]:
    """The causes of all rules that `new` breaks; `old` is ABSENT on create. `clock` counts this thread's seconds."""
    return _Walk(clock).run(node, new, old)


class _Walk:
    """One pass over one object, with its budget."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.left = MAX_EVALUATIONS
        self.clock = clock
        self.end = clock() + MAX_CPU_SECONDS
        self.causes: list[Cause] = []

    def run(self, node: Node, new: Any, old: Any) -> list[Cause]:
        try:
            self._visit(node, new, old, "")
        except OverBudget as error:
            self.causes.append(
                Cause("", INVALID, f"Invalid value: {error.what}: no further validation rules will be run")
            )
        return self.causes

    def _visit(self, node: Node, new: Any, old: Any, path: str) -> None:
        if new is None and node.nullable:
            return
        if node.rules:
            self._check(node, new, old, path)
        for child, item, before, where in _children(node, new, old, path):
            self._visit(child, item, before, where)

    def _check(self, node: Node, new: Any, old: Any, path: str) -> None:
        unchanged = old is not ABSENT and same(new, old)
        variables: dict[str, Any] | None = None
        for rule in _compiled(node):
            if rule.transition and old is ABSENT and not rule.optional_old:
                continue
            if unchanged and not rule.transition:
                continue  # ratcheting: what was broken and is untouched is tolerated
            if variables is None:
                variables = _variables(node, new, old)
            self.left -= 1
            if self.left < 0 or self.clock() > self.end:
                raise OverBudget(OUT_OF_BUDGET)
            cause = _evaluate(rule, node, new, variables, path)
            if cause is not None:
                self.causes.append(cause)


def _variables(node: Node, new: Any, old: Any) -> dict[str, Any]:
    before = None if old is ABSENT else to_cel(node, old)
    return {
        "self": to_cel(node, new),
        "oldSelf": before,
        "oldSelfValue": before,
        "hasOldSelf": old is not ABSENT,
    }


def _evaluate(rule: Rule, node: Node, new: Any, variables: dict[str, Any], path: str) -> Cause | None:
    given = dict(variables)
    unused = ("oldSelf",) if rule.optional_old else ("oldSelfValue", "hasOldSelf")
    for name in unused:
        del given[name]
    try:
        held = rule.program.evaluate(given)
    except OverBudget as error:
        raise OverBudget(f"{error.what} for rule: {rule.source}") from error
    except CelError as error:
        return Cause(path, INVALID, f"Invalid value: {_shown(new)}{error.what} evaluating rule: {rule.source}")
    if held is True:
        return None
    field = (path + rule.field).lstrip(".")
    return Cause(field, rule.reason, _message(rule, new, rule.text(given)))


def _message(rule: Rule, new: Any, text: str) -> str:
    prefix = PREFIXES.get(rule.reason, PREFIXES[INVALID])
    if rule.reason == DUPLICATE:
        return f"{prefix}: {show(new)}"
    value = _shown(new) if rule.reason == INVALID else ""
    return f"{prefix}: {value}{text}"


def _shown(value: Any) -> str:
    return "" if isinstance(value, dict | list) else f"{show(value)}: "


def _children(node: Node, new: Any, old: Any, path: str) -> Iterator[tuple[Node, Any, Any, str]]:
    """The parts below that carry rules somewhere, with their old selves where these can be told."""
    if isinstance(new, dict):
        before = old if isinstance(old, dict) else {}
        for name, item in new.items():
            child = node.child(name)
            if child is not None and child.walk_rules:
                where = f"{path}.{name}" if path else name
                if name not in node.properties:
                    where = f"{path}[{name}]"
                yield child, item, before.get(name, ABSENT), where
    elif isinstance(new, list) and node.items is not None and node.items.walk_rules:
        known = correlate(node, old)
        for index, item in enumerate(new):
            key = node.key_of(item) if known else None
            before = known.get(key, ABSENT) if key is not None and not _nested(key) else ABSENT
            yield node.items, item, before, f"{path}[{index}]"


def _nested(key: tuple[Any, ...]) -> bool:
    return any(isinstance(part, dict | list) for part in key)
