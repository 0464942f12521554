"""Evaluates one policy for one write and one parameter. Pure but for the clock that bounds it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kgents.embedded.apiserver.policies.compiled import Annotation, Policy, Validation
from kgents.embedded.apiserver.policies.expressions import KINDS, activation
from kgents.embedded.apiserver.policies.text_work import Readers, too_much
from kgents.embedded.schema.cel import CelError, OverBudget

SECONDS = 2.0
"""Processor time that one policy may take for one write. Its runtime bounds loops, not work on text."""
MAX_MESSAGE = 5 * 1024
MAX_NOTE = 10 * 1024
OVER_BUDGET = "operation cancelled: actual cost limit exceeded"


@dataclass(frozen=True, slots=True)
class Violation:
    """One reason against a write. `index` is that of the rule; `final`: it refuses whatever the binding does."""

    message: str
    reason: str = ""
    index: int = 0
    final: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """One audit annotation."""

    key: str
    value: str


Found = Violation | Note


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


def evaluate(policy: Policy, shown: Shown) -> list[Found]:
    """What the policy has against a write, and what it notes. Errors count as the policy's failurePolicy says."""
    try:
        converted = shown.get(policy.readers)
        if not policy.conditions.hold(converted):
            return []
    except CelError as error:
        return list(_failed(policy, error.what))
    end = time.thread_time() + SECONDS
    return [*_violations(policy, converted, end), *_notes(policy, converted, end)]


def _failed(policy: Policy, text: str, index: int = 0, *, final: bool = False) -> Iterator[Violation]:
    if policy.fails_closed:
        yield Violation(text, index=index, final=final)


def _violations(policy: Policy, shown: Any, end: float) -> Iterator[Violation]:
    for index, validation in enumerate(policy.validations):
        if time.thread_time() > end:
            yield from _failed(policy, OVER_BUDGET, index)
            return
        try:
            value = validation.rule.run(shown)
        except CelError as error:
            yield from _failed(policy, error.what, index)
            continue
        if value is not True:
            yield Violation(_message(validation, shown), validation.reason, index)


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


def _notes(policy: Policy, shown: Any, end: float) -> Iterator[Found]:
    for annotation in policy.annotations:
        if time.thread_time() > end:
            yield from _failed(policy, OVER_BUDGET, final=True)
            return
        try:
            value = annotation.value.run(shown)
        except CelError as error:
            yield from _failed(policy, error.what, final=True)
            continue
        yield from _note(annotation, value)


def _note(annotation: Annotation, value: Any) -> Iterator[Found]:
    """A text is noted, null and an empty text are not; anything else is the policy's mistake, whatever it ignores."""
    if isinstance(value, str):
        text = value.strip().encode()[:MAX_NOTE].decode(errors="ignore")
        if text:
            yield Note(annotation.key, text)
    elif value is not None:
        kind = KINDS.get(type(value).__name__, type(value).__name__)
        yield Violation(
            f"valueExpression '{annotation.value.source.strip()}' resulted in unsupported return type: {kind}. "
            "Return type must be either string or null.",
            final=True,
        )
