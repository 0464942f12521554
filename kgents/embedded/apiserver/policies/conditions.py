"""Match conditions: finer than rules and selectors, the same for policies and webhooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgents.embedded.apiserver.policies import authorizer
from kgents.embedded.apiserver.policies.expressions import compile_expression
from kgents.embedded.apiserver.policies.text_work import Readers, readers
from kgents.embedded.schema.cel import CelError, Expression
from kgents.embedded.schema.cel_text import TOKEN

if TYPE_CHECKING:
    from kgents.embedded.apiserver.admission import Review

Object = dict[str, Any]
INT64 = 2**63


@dataclass(frozen=True, slots=True)
class Program:
    """An expression that compiled, or the reason why it did not: stored objects may be older than this compiler."""

    source: str
    expression: Expression | None
    problem: str = ""

    @classmethod
    def of(cls, source: str, names: tuple[str, ...], variables: Sequence[tuple[str, str]] = ()) -> Program:
        """Compiles; never raises."""
        try:
            return cls(source, compile_expression(source, names, variables))
        except CelError as error:
            return cls(source, None, error.what)

    def run(self, activation: Any) -> Any:
        """The value. CelError, worded as Kubernetes does, when there is none."""
        try:
            if self.expression is None:
                raise CelError(self.problem)
            return self.expression.evaluate(activation)
        except CelError as error:
            text = f"expression '{self.source.strip()}' resulted in error: {error.what}"
            raise CelError(text) from error


@dataclass(frozen=True, slots=True)
class Conditions:
    """All must hold. One that is false settles it, whatever errors the others had.

    `of_request`: they look at nothing but `request`, so that they can be settled before objects are shown to CEL.
    """

    programs: tuple[Program, ...] = ()
    readers: Readers = ()
    of_request: bool = False

    @classmethod
    def of(cls, source: Iterable[Mapping[str, Any]] | None, names: tuple[str, ...], variables: Any = ()) -> Conditions:
        """From `matchConditions`."""
        sources = [str(one.get("expression") or "") for one in source or ()]
        programs, loops = tuple(Program.of(one, names, variables) for one in sources), readers(sources)
        others = {*names, "variables"} - {"request"}
        named = {token.group() for one in sources for token in TOKEN.finditer(one)}
        return cls(programs, loops, bool(programs) and not loops and named.isdisjoint(others))

    def hold(self, activation: Any) -> bool:
        """Whether all hold. Raises CelError when none is false and one failed."""
        failures: list[CelError] = []
        for program in self.programs:
            try:
                value = program.run(activation)
            except CelError as error:
                failures.append(error)
                continue
            if value is False:
                return False
            if value is not True:
                failures.append(CelError(f"expression '{program.source.strip()}' does not evaluate to bool"))
        if failures:
            texts = [error.what for error in failures]
            raise CelError(texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]") from failures[0]
        return True


def values(review: Review, obj: Object | None, old: Object | None, request: Object) -> Object:
    """What expressions may name, but for parameters. Objects are in the version that was matched."""
    return {
        "object": fitting(obj),
        "oldObject": fitting(old),
        "request": request,
        "namespaceObject": namespace_object(review),
        "authorizer": authorizer.root(review),
    }


def namespace_object(review: Review) -> Object | None:
    """The namespace that a write happens in; None for what is in none, and for namespaces themselves."""
    call = review.call
    record = call.api.namespaces.get("", call.namespace) if call.namespace else None
    if record is None:
        return None
    found = record.parse()
    found["metadata"].pop("managedFields", None)
    return found


def fitting(value: Any) -> Any:
    """The value with integers beyond 64 bits as doubles, as Kubernetes reads them; itself when there are none."""
    return _converted(value) if _has_large(value) else value


def _has_large(value: Any) -> bool:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
        elif type(one) is int and not -INT64 <= one < INT64:
            return True
    return False


def _converted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _converted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_converted(item) for item in value]
    if type(value) is int and not -INT64 <= value < INT64:
        return float(value) if abs(value) < 10**300 else float("inf")
    return value
