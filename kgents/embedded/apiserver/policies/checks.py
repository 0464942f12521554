"""Checks that policies, bindings and webhooks have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kgents.embedded.apiserver.names import label_key_problem
from kgents.embedded.apiserver.policies.expressions import compile_expression, result_type
from kgents.embedded.apiserver.selector_checks import check_selector
from kgents.embedded.schema.causes import Cause, duplicate, invalid, not_supported, required, too_many
from kgents.embedded.schema.cel import CelError

Object = Mapping[str, Any]
Variables = Sequence[tuple[str, str]]
FAILURE_POLICIES = ("Fail", "Ignore")
MATCH_POLICIES = ("Equivalent", "Exact")
MAX_CONDITIONS = 64


def one_of(where: str, value: Any, supported: Iterable[str]) -> list[Cause]:
    """A value out of a few; absent is fine."""
    known = list(supported)
    return [] if value is None or value in known else [not_supported(where, value, known)]


def match(where: str, given: Object) -> list[Cause]:
    """What policies, bindings and webhooks select by."""
    causes = one_of(f"{where}matchPolicy", given.get("matchPolicy"), MATCH_POLICIES)
    causes += check_selector(f"{where}namespaceSelector", given.get("namespaceSelector"))
    return causes + check_selector(f"{where}objectSelector", given.get("objectSelector"))


def expression(
    where: str,
    source: Any,
    names: tuple[str, ...],
    variables: Variables = (),
    kinds: Sequence[str] = ("bool",),
    absent: str = "",
) -> list[Cause]:
    """An expression that must be there, compile, and be of one of these kinds (none: of any)."""
    text = str(source or "")
    if not text.strip():
        return [required(where, absent)]
    try:
        kind = result_type(text, names, variables)
        # Remembered, so that the first write that is judged by it need not wait for it.
        compile_expression(text, names, variables)
    except CelError as error:
        return [invalid(where, text, error.what)]
    if not kinds or kind in kinds:
        return []
    wanted = kinds[0] if len(kinds) == 1 else f"one of [{' '.join(kinds)}]"
    return [invalid(where, text, f"must evaluate to {wanted} but got {kind}")]


def conditions(where: str, given: Sequence[Object], names: tuple[str, ...]) -> list[Cause]:
    """Match conditions."""
    causes: list[Cause] = [too_many(where, len(given), MAX_CONDITIONS)] if len(given) > MAX_CONDITIONS else []
    seen: set[str] = set()
    for index, one in enumerate(given[:MAX_CONDITIONS]):
        at, name = f"{where}[{index}]", str(one.get("name") or "")
        causes += expression(f"{at}.expression", str(one.get("expression") or "").strip(), names)
        if not name:
            causes.append(required(f"{at}.name"))
        elif problem := label_key_problem(name):
            causes.append(invalid(f"{at}.name", name, problem))
        if name and name in seen:
            causes.append(duplicate(f"{at}.name", name))
        seen.add(name)
    return causes
