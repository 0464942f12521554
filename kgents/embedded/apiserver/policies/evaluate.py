"""Evaluates one policy for one write and one parameter. Pure but for the clock that bounds it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kgents.embedded.apiserver.policies.compiled import Policy, Validation
from kgents.embedded.apiserver.policies.expressions import activation
from kgents.embedded.apiserver.policies.text_work import Readers, too_much
from kgents.embedded.schema.cel import CelError, OverBudget

SECONDS = 2.0
"""Processor time that one policy may take for one write. Its runtime bounds loops, not work on text."""
MAX_MESSAGE = 5 * 1024
OVER_BUDGET = "operation cancelled: actual cost limit exceeded"


@dataclass(frozen=True, slots=True)
class Violation:
    """One reason against a write."""

    message: str
    reason: str = ""


class Shown:
    """The values of a write, converted for the runtime when the first policy needs them."""

    def __init__(self, names: tuple[str, ...], values: Mapping[str, Any]) -> None:
        self._names, self._values = names, values
        self._converted: Any = None

    def get(self, functions: Readers) -> Any:
        """The activation. Raises CelError for an object that cannot be one, or with which the functions that read text
        in loops could do too much."""
        if too_much(functions, self._values):
            raise OverBudget(OVER_BUDGET)
        if self._converted is None:
            self._converted = activation(self._names, self._values)
        return self._converted


def evaluate(policy: Policy, shown: Shown) -> list[Violation]:
    """What the policy has against a write. Errors count as the policy's failurePolicy says."""
    try:
        converted = shown.get(policy.readers)
        if not policy.conditions.hold(converted):
            return []
    except CelError as error:
        return _failed(policy, error.what)
    return list(_violations(policy, converted))


def _failed(policy: Policy, text: str) -> list[Violation]:
    return [Violation(text)] if policy.fails_closed else []


def _violations(policy: Policy, shown: Any) -> Iterator[Violation]:
    end = time.thread_time() + SECONDS
    for validation in policy.validations:
        if time.thread_time() > end:
            yield from _failed(policy, OVER_BUDGET)
            return
        try:
            value = validation.rule.run(shown)
        except CelError as error:
            yield from _failed(policy, error.what)
            continue
        if value is not True:
            yield Violation(_message(validation, shown), validation.reason)


def _message(validation: Validation, shown: Any) -> str:
    """What the expression tells, else the fixed message, else the rule itself."""
    if validation.told is not None:
        try:
            told = validation.told.run(shown)
        except CelError:
            # As in Kubernetes: a message that fails takes nothing from the verdict.
            told = ""
        text = told.strip() if isinstance(told, str) else ""
        if text and len(text.encode()) <= MAX_MESSAGE and "\n" not in text:
            return str(text)
    return validation.message or f"failed expression: {validation.rule.source.strip()}"
