"""What evaluating an expression costs at most, by the rules of Kubernetes' cost estimator.

The same walk serves twice: with the sizes that a schema allows, when a CRD is made, so that nobody can write an object
that stalls the server; and with the sizes that an object has, before a dear rule is run on it. Units are Kubernetes':
about 0.1 µs each. Source: cel-go's checker/cost.go and the costs of Kubernetes' own functions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from kgents.embedded.schema.cel_tree import CALL, CONST, IDENT, LIST, LOOP, SELECT, Tree
from kgents.embedded.schema.cost_calls import Call, call_cost

PER_RULE = 10_000_000
PER_SCHEMA = 100_000_000
PER_CALL = 1_000_000
"""The dearest single evaluation that is run, measured with the sizes of the values at hand."""
REQUEST_BYTES = 3 * 1024 * 1024
HINT = (
    "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are "
    "declared)"
)
LIST_COST, MAP_COST = 10.0, 30.0
COPYING = 0.17
"""What the runtime spends more than Kubernetes': it copies the list that `map` or `filter` builds with each element."""


class Place(Protocol):
    """Where a value comes from: a place in a schema, or all values at one place of an object."""

    def size(self) -> float:
        """The most elements or characters."""

    def child(self, name: str) -> Place | None:
        """The place of a field."""

    def items(self) -> Place | None:
        """The place of a list's elements, or of a map's values."""

    def keys(self) -> Place | None:
        """The place of a map's keys; of a list, its elements: what a loop over it sees."""


@dataclass(slots=True)
class Estimate:
    """Of one expression: its cost, the size of its result (None: unknown), and where that comes from."""

    cost: float
    size: float | None = None
    place: Place | None = None
    entry: float | None = None
    """The size of the result's elements, where no place tells."""
    type: str = ""

    def bound(self) -> float:
        """The result's size, or the most there can be."""
        if self.size is not None:
            return self.size
        if self.place is not None:
            return self.place.size()
        return REQUEST_BYTES if self.type else 1.0

    def elements(self) -> Estimate:
        """What indexing or looping yields."""
        place = self.place.items() if self.place is not None else None
        return Estimate(1.0, None if place else self.entry, place, type="dyn")


def estimate(tree: Tree, places: Mapping[str, Place], *, copying: float = 0.0) -> float:
    """The cost of one evaluation; `places` says what the variables are. With `copying`, of one by this runtime."""
    known = {name: Estimate(1.0, place=place, type="dyn") for name, place in places.items()}
    try:
        return _Walk(known, copying).visit(tree).cost
    except RecursionError:
        return math.inf


class _Walk:
    def __init__(self, known: dict[str, Estimate], copying: float) -> None:
        self._known = known
        self._copying = copying

    def visit(self, tree: Tree) -> Estimate:
        if tree.kind == CONST:
            return Estimate(0.0, float(len(tree.value)) if tree.value is not None else 1.0)
        if tree.kind == IDENT:
            known = self._known.get(tree.name)
            return Estimate(1.0, type=tree.type) if known is None else known
        if tree.kind == SELECT:
            return self._select(tree)
        if tree.kind == LOOP:
            return self._loop(tree)
        if tree.kind == CALL:
            return self._call(tree)
        parts = [self.visit(part) for part in tree.parts]
        cost = sum(part.cost for part in parts) + (LIST_COST if tree.kind == LIST else MAP_COST)
        longest = max((part.bound() for part in parts), default=0.0)
        return Estimate(cost, float(len(parts)), entry=longest, type=tree.type)

    def _select(self, tree: Tree) -> Estimate:
        assert tree.target is not None
        owner = self.visit(tree.target)
        if tree.test_only:
            return Estimate(owner.cost, 1.0)
        return self._field(owner, tree.name, tree.type)

    def _field(self, owner: Estimate, name: str, kind: str) -> Estimate:
        place = owner.place.child(name) if owner.place is not None else None
        return Estimate(owner.cost + 1.0, None if place else owner.entry, place, type=kind)

    def _loop(self, tree: Tree) -> Estimate:
        assert tree.target is not None
        start, condition, step, result = tree.parts
        over, first = self.visit(tree.target), self.visit(start)
        seen = over.place.keys() if over.place is not None else None
        before = {name: self._known.get(name) for name in (tree.name, tree.accumulator)}
        self._known[tree.accumulator] = Estimate(1.0, first.size, first.place, first.entry, first.type)
        self._known[tree.name] = Estimate(1.0, None if seen else over.entry, seen, type="dyn")
        stepped = self.visit(step)
        times = over.bound()
        cost = over.cost + first.cost + times * (self.visit(condition).cost + stepped.cost)
        ended = self.visit(result)
        self._known.update({name: known for name, known in before.items() if known is not None})
        for name in [name for name, known in before.items() if known is None]:
            del self._known[name]
        if start.kind == LIST:
            cost += self._copying * times * times
            return Estimate(cost + ended.cost, times, entry=stepped.entry, type="list")
        return Estimate(cost + ended.cost, ended.size, ended.place, ended.entry, tree.type)

    def _call(self, tree: Tree) -> Estimate:
        target = self.visit(tree.target) if tree.target is not None else None
        given = [self.visit(part) for part in tree.parts]
        if tree.name in ("_[_]", "_[?_]") and len(given) == 2:
            found = given[0].elements()
            return Estimate(given[0].cost + given[1].cost + 1.0, found.size, found.place, found.entry, tree.type)
        if tree.name == "_?._" and len(given) == 2 and isinstance(tree.parts[1].value, bytes):
            return self._field(given[0], tree.parts[1].value.decode(errors="replace"), tree.type)
        costs = sum(one.cost for one in given) + (target.cost if target is not None else 0.0)
        if tree.name == "_?_:_" and len(given) == 3:
            test, yes, no = given
            dearer = yes if yes.bound() >= no.bound() else no
            own = test.cost + max(yes.cost, no.cost)
            return Estimate(own, dearer.size, dearer.place, dearer.entry, tree.type)
        kept = _kept(tree.name, target, given)
        own, size, entry = call_cost(Call(tree.name, tree.overloads, target, given, [one.value for one in tree.parts]))
        if kept is not None:
            return Estimate(costs + own, kept.size, kept.place, kept.entry, tree.type)
        return Estimate(costs + own, size, entry=entry, type=tree.type)


PASSED_ON = frozenset({"value", "orValue", "or", "orElse", "hasValue", "filter", "dyn", "optional.of", "sort", "slice"})
PASSED_ON |= {"distinct", "reverse__", "sortBy__", "optional.ofNonZeroValue"}
"""Functions whose result is no larger than what they are given."""


def _kept(name: str, target: Estimate | None, given: list[Estimate]) -> Estimate | None:
    if name not in PASSED_ON:
        return None
    options = [one for one in (target, *given) if one is not None]
    return max(options, key=lambda one: one.bound(), default=None)
