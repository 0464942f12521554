"""Values that Kubernetes' own types write in one way only: quantities and times, wherever a kind has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kgents.embedded.schema.go_times import micro_text, time_text
from kgents.embedded.schema.node import Node
from kgents.embedded.schema.quantities import canonical

Plan = Any
"""How to write a value, or a dict by field name (or "" for every key or element) for what is around such values."""
META = "io.k8s.apimachinery.pkg.apis.meta.v1."
TIMES: dict[str, Callable[[str], str]] = {f"{META}Time": time_text, f"{META}MicroTime": micro_text}
_plans: dict[int, tuple[Node, Plan]] = {}


def settle(root: Node, obj: Any) -> None:
    """Writes every quantity and time of a built-in kind's object in its one form, in place. Raises ValueError."""
    known = _plans.get(id(root))
    if known is None:
        known = _plans[id(root)] = (root, _plan(root, ()))
    if known[1]:
        _settle(known[1], obj)


def _plan(node: Node, within: tuple[Node, ...]) -> Plan:
    if node.source.get("x-kubernetes-quantity"):
        return canonical
    if node.definition in TIMES:
        return TIMES[node.definition]
    # No type that contains itself has such a value in it.
    if node in within:
        return None
    below = (*within, node)
    found = {name: plan for name, child in node.properties.items() if (plan := _plan(child, below))}
    for child in (node.items, node.additional):
        if child is not None and (plan := _plan(child, below)):
            found[""] = plan
    return found or None


def _settle(plan: Plan, value: Any) -> None:
    every = plan.get("")
    if isinstance(value, list):
        for index, item in enumerate(value):
            _one(every, value, index, item)
    elif isinstance(value, dict):
        for key in list(value) if every else [name for name in plan if name in value]:
            _one(every or plan[key], value, key, value[key])


def _one(plan: Plan, owner: Any, key: Any, value: Any) -> None:
    if isinstance(plan, dict):
        _settle(plan, value)
    elif value is not None:
        owner[key] = plan(str(value))
