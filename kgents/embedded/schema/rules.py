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
from kgents.embedded.schema.cost import COPYING, PER_CALL, estimate
from kgents.embedded.schema.cost_places import SchemaPlace, ValuePlace
from kgents.embedded.schema.node import ABSENT, Node
from kgents.embedded.schema.ratchet import correlate, same
from kgents.embedded.schema.rule_paths import field_suffix

MAX_CPU_SECONDS = 2.0
"""Processor time for the rules of one object: what needs more is refused, not waited for."""
MAX_MESSAGE = 5 * 1024
"""Bytes that a message expression may make; of more, the message is told instead."""
STOPPED = "no further validation rules will be run"
OUT_OF_BUDGET = f"validation failed due to running out of cost budget, {STOPPED}"

_TEXT = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
_OLD_SELF = re.compile(r"\boldSelf\b")
VARIABLES = ("self", "oldSelf", "oldSelfValue")
PREFIXES = {INVALID: "Invalid value", FORBIDDEN: "Forbidden", REQUIRED: "Required value", DUPLICATE: "Duplicate value"}


class Rule:
    """One compiled rule."""

    __slots__ = (
        "dear",
        "field",
        "message",
        "message_expression",
        "optional_old",
        "program",
        "reason",
        "source",
        "transition",
    )

    def __init__(self, raw: Mapping[str, Any], node: Node) -> None:
        self.source = str(raw.get("rule") or "").strip()
        self.message = str(raw.get("message") or "").strip()
        self.reason = str(raw.get("reason") or INVALID)
        self.field = field_suffix(node, str(raw.get("fieldPath") or ""))
        self.transition = mentions_old_self(self.source)
        self.optional_old = bool(raw.get("optionalOldSelf"))
        self.program = compile_rule(self.source, self.optional_old)
        expression = str(raw.get("messageExpression") or "").strip()
        # Kubernetes gives it the bare old value even where the rule gets an optional one (evalMessageExpression).
        self.message_expression = compile_rule(expression, False) if expression else None

        self.dear = [one for one in (self.program, self.message_expression) if one is not None and _is_dear(one, node)]

    def shown(self) -> str:
        """How errors name the rule."""
        return self.message or self.source

    def run(self, program: Expression, variables: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
        """The result of the rule or of its message expression. OverBudget when these values make it too dear."""
        if program in self.dear and _cost(program, values) > PER_CALL:
            raise OverBudget("operation cancelled: actual cost limit exceeded")
        return program.evaluate(variables)

    def text(self, variables: Mapping[str, Any], values: Mapping[str, Any]) -> str:
        """What to tell the client; a message expression that fails gives way to the message."""
        if self.message_expression is not None:
            try:
                told = self.run(self.message_expression, variables, values)
            except OverBudget:
                raise
            except CelError:
                told = None  # Kubernetes too falls back to the message here
            if isinstance(told, str) and told.strip() and "\n" not in told and len(told.encode()) <= MAX_MESSAGE:
                return told.strip()
        return self.message or f"failed rule: {self.source}"


def _is_dear(program: Expression, node: Node) -> bool:
    """Whether the schema allows values with which one evaluation would cost too much."""
    place = SchemaPlace(node)
    return estimate(program.tree(), dict.fromkeys(VARIABLES, place), copying=COPYING) > PER_CALL


def _cost(program: Expression, values: Mapping[str, Any]) -> float:
    return estimate(program.tree(), {name: ValuePlace([value]) for name, value in values.items()}, copying=COPYING)


def mentions_old_self(source: str) -> bool:
    """Whether an expression uses oldSelf, strings aside."""
    return _OLD_SELF.search(_TEXT.sub('""', source)) is not None


def compile_rule(source: str, optional_old: bool) -> Expression:
    """Compile for evaluation, where values are untyped. CelError when it does not parse."""
    if optional_old:
        wrapped = f"cel.bind(oldSelf, hasOldSelf ? optional.of(oldSelfValue) : optional.none(), {source}\n)"
        return compile_expression(wrapped, {"self": "dyn", "oldSelfValue": "dyn", "hasOldSelf": "bool"})
    return compile_expression(source, {"self": "dyn", "oldSelf": "dyn"})


@lru_cache(maxsize=4096)
def _compiled(node: Node) -> tuple[Rule, ...]:
    return tuple(Rule(raw, node) for raw in node.rules)


def check_rules(
    node: Node,
    new: Any,
    old: Any = ABSENT,
    clock: Callable[[], float] = time.thread_time,
    *,
    tolerated: list[Cause] | None = None,
) -> list[Cause]:
    """The causes of all rules that `new` breaks; `old` is ABSENT on create. `clock` counts this thread's seconds.

    Of what has not changed a broken rule is tolerated and goes to `tolerated`, if that is given.
    """
    return _Walk(clock, tolerated).run(node, new, old)


class _Walk:
    """One pass over one object, with its budget."""

    def __init__(self, clock: Callable[[], float], tolerated: list[Cause] | None) -> None:
        self.clock = clock
        self.tolerated = tolerated
        self.end = clock() + MAX_CPU_SECONDS
        self.causes: list[Cause] = []

    def run(self, node: Node, new: Any, old: Any) -> list[Cause]:
        try:
            self._visit(node, new, old, "", (new, old))
        except _Stopped as stop:
            self.causes.append(stop.cause)
        return self.causes

    def _visit(self, node: Node, new: Any, old: Any, path: str, around: tuple[Any, Any]) -> None:
        """`around`: the nearest value around this one that is known to have an old self, and that."""
        if new is None:
            return
        pair = around if old is ABSENT else (new, old)
        if node.rules:
            self._check(node, new, old, path, pair)
        for child, item, before, where in _children(node, new, old, path):
            self._visit(child, item, before, where, pair)

    def _check(self, node: Node, new: Any, old: Any, path: str, pair: tuple[Any, Any]) -> None:
        subject: _Subject | None = None
        for rule in _compiled(node):
            if rule.transition and (old is ABSENT or old is None) and not rule.optional_old:
                continue
            if self.clock() > self.end:
                raise _Stopped(_of_type(path, node, OUT_OF_BUDGET))
            if subject is None:
                subject = _Subject(node, new, old, path)
            cause = subject.judge(rule)
            if cause is None:
                continue
            if self.tolerated is not None and subject.judged and not rule.transition and same(*pair):
                self.tolerated.append(cause)
            else:
                self.causes.append(cause)


class _Stopped(Exception):
    """The rules of an object have cost enough."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.message)
        self.cause = cause


class _Subject:
    """One value that rules judge."""

    def __init__(self, node: Node, new: Any, old: Any, path: str) -> None:
        self._node = node
        self._path = path
        self._new = new
        before = None if old is ABSENT else to_cel(node, old)
        now = to_cel(node, new)
        self.judged = False
        """Whether the last rule said no, rather than failing."""
        self._plain = {"self": now, "oldSelf": before}
        self._optional = {"self": now, "oldSelfValue": before, "hasOldSelf": before is not None}

    def judge(self, rule: Rule) -> Cause | None:
        """What a rule finds wrong with the value, or None. Raises _Stopped when the rule is too dear."""
        given = self._optional if rule.optional_old else self._plain
        self.judged = False
        what = f"rule: {rule.shown()}"
        try:
            if rule.run(rule.program, given, given) is True:
                return None
            what = f'messageExpression: "{rule.source}"'
            text = rule.text(self._plain, self._plain)
        except OverBudget as error:
            said = f"'{error.what}': {STOPPED} due to call cost exceeds limit for {what}"
            raise _Stopped(_of_type(self._path, self._node, said)) from error
        except CelError as error:
            said = f"{error.what} evaluating {what}"
            if error.what.startswith("no such overload"):
                reason = "call arguments did not match a supported operator, function or macro signature"
                said = f"'{error.what}': {reason} for {what}"
            return _of_type(self._path, self._node, said)
        self.judged = True
        field = (self._path + rule.field).lstrip(".")
        return Cause(field, rule.reason, _message(rule, self._node, self._new, text))


def _of_type(path: str, node: Node, text: str) -> Cause:
    """A cause that, as in Kubernetes, shows the type of the value instead of the value."""
    return Cause(path, INVALID, f"Invalid value: {show(node.type)}: {text}")


def _message(rule: Rule, node: Node, new: Any, text: str) -> str:
    prefix = PREFIXES.get(rule.reason, PREFIXES[INVALID])
    value = "" if node.type in ("object", "array") else f"{show(new)}"
    if rule.reason == DUPLICATE:
        return f"{prefix}: {value}" if value else prefix
    shown = f"{value}: " if value and rule.reason == INVALID else ""
    return f"{prefix}: {shown}{text}"


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
