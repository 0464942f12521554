from __future__ import annotations

from typing import Any

import pytest

from kgents.embedded.schema.cel import compile_in
from kgents.embedded.schema.cel_tree import read_tree
from kgents.embedded.schema.cel_types import Types
from kgents.embedded.schema.cost import PER_CALL, estimate
from kgents.embedded.schema.cost_places import SchemaPlace, ValuePlace
from kgents.embedded.schema.node import Node, compile_schema

NUMBER, TEXT = {"type": "number"}, {"type": "string"}


def items(of: dict[str, Any], **limits: int) -> dict[str, Any]:
    return {"type": "array", "items": of, **limits}


def entries(of: dict[str, Any], **limits: int) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": of, **limits}


def tree(source: str, node: Node) -> Any:
    return read_tree(compile_in(Types().environment(node), source).serialize())


@pytest.mark.parametrize(
    ("schema", "source", "cost"),
    [
        (items(NUMBER), "self.all(x, true)", 4_718_591),
        (items(TEXT, maxItems=7), "self.all(x, true)", 23),
        (entries({"type": "boolean"}), "self.all(x, true)", 943_718),
        (items({"type": "string", "format": "date-time"}), "self.all(x, true)", 428_963),
        (items(NUMBER, maxItems=10), "self.all(x, self.all(y, true))", 352),
        (TEXT, "self.contains('ab')", 314_574),
        ({**TEXT, "maxLength": 10}, "self.contains('ab')", 5),
        (TEXT, "self.matches('x')", 314_574),
        (TEXT, "self.startsWith('ab')", 2),
        (items(TEXT), "self[1] == self[1]", 314_577),
        (items({**TEXT, "maxLength": 10}, maxItems=10), "self.isSorted() == true", 52),
        (items({**TEXT, "maxLength": 10}, maxItems=10), "self.join(' ') == 'aa bb'", 43),
        ({"type": "string", "enum": ["A", "Longer"]}, "self.contains('A')", 2),
        ({"x-kubernetes-int-or-string": True, "maxLength": 20}, "isQuantity(self)", 9),
    ],
)
def test_rules_cost_what_they_cost_in_kubernetes(schema: dict[str, Any], source: str, cost: float) -> None:
    node = compile_schema(schema)
    assert estimate(tree(source, node), {"self": SchemaPlace(node)}) == cost


def test_the_sizes_at_hand_count_when_there_are_values() -> None:
    node = compile_schema(items(TEXT))
    read = tree("self.exists(x, self.exists(y, x.contains(y)))", node)
    assert estimate(read, {"self": ValuePlace([["a"] * 10])}) < 1_000
    assert estimate(read, {"self": ValuePlace([["a" * 1_000] * 50])}) > PER_CALL


def test_results_of_functions_are_as_large_as_what_they_are_made_of() -> None:
    node = compile_schema({**TEXT, "maxLength": 100})
    assert estimate(tree("self.split(',').all(x, x.matches('^[a-z]+$'))", node), {"self": SchemaPlace(node)}) < 100_000
