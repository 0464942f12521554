"""Expressions with variables, conditions, and the authorizer's chain."""

from __future__ import annotations

from typing import Any, cast

import pytest

from kgents.embedded.apiserver.policies.authorizer import asking, root
from kgents.embedded.apiserver.policies.conditions import Conditions, fitting
from kgents.embedded.apiserver.policies.expressions import BASIC, activation, compile_expression
from kgents.embedded.apiserver.policies.text_work import readers, too_much
from kgents.embedded.auth.authorize import Attributes, Authorizer, Decision
from kgents.embedded.auth.user import User
from kgents.embedded.schema.cel import CelError
from tests.unit.admission.reviews import review

VARIABLES = [("one", "object.n // a comment"), ("two", "variables.one + 1"), ("bad", "object.nosuch")]


def shown(obj: Any = None) -> Any:
    asked = review(name="a")
    rest = {"oldObject": None, "request": {}, "namespaceObject": None, "authorizer": root(asked)}
    return activation(BASIC, {"object": obj, **rest})


def value(source: str, obj: Any = None) -> Any:
    return compile_expression(source, BASIC, VARIABLES).evaluate(shown(obj or {"n": 1, "variables": {"one": 9}}))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("variables.two", 2),
        ("variables.one == 1 && variables.two == 2", True),
        ("variables.one == 1 ? true :variables.bad == 1", True),
        ("variables.bad == 1 || true", True),
        ("object.variables.one", 9),
        ("'variables.one'", "variables.one"),
        ("[1, 2].exists(v, v == variables.two)", True),
    ],
)
def test_variables_are_evaluated_where_they_are_used(source: str, expected: Any) -> None:
    assert value(source) == expected


@pytest.mark.parametrize("source", ["variables.nosuch", "variables", "params.a", "object +", "1 + 'a'"])
def test_what_is_not_declared_does_not_compile(source: str) -> None:
    with pytest.raises(CelError):
        compile_expression(source, BASIC, VARIABLES)


def test_a_variable_cannot_name_a_later_one() -> None:
    with pytest.raises(CelError, match="undefined field 'b'"):
        compile_expression("variables.a", BASIC, [("a", "variables.b"), ("b", "1")])


def test_variables_that_keep_growing_are_refused() -> None:
    variables = [("a", f"'{'x' * 90_000}'"), ("b", f"variables.a + '{'y' * 90_000}'"), ("c", f"'{'z' * 90_000}'")]
    with pytest.raises(CelError, match="too long"):
        compile_expression("variables.b + variables.c", BASIC, variables)


def test_variables_cannot_double_a_text_without_end() -> None:
    doubled = [(f"v{index}", f"variables.v{index - 1} + variables.v{index - 1}") for index in range(1, 40)]
    with pytest.raises(CelError, match="too many times"):
        compile_expression("variables.v39 != ''", BASIC, [("v0", "'a'"), *doubled])


@pytest.mark.parametrize(
    ("source", "items", "text", "expected"),
    [
        ("object.n.all(x, object.s.matches('a+'))", 5_000, 1_000_000, True),
        ("object.n.all(x, object.s.matches('a+'))", 5_000, 1_000, False),
        ("object.n.all(x, x > 1) && object.s != ''", 5_000, 1_000_000, False),
        ("object.s.matches('a+') && object.n.all(x, x > 1)", 5_000, 1_000_000, False),
        ("object.n.all(x, object.s.contains('a'))", 100, 1_000_000, False),
        ("object.n.all(x, object.n.all(y, object.s.contains('a')))", 100, 1_000_000, True),
    ],
)
def test_a_loop_over_long_texts_is_not_even_begun(source: str, items: int, text: int, expected: bool) -> None:
    values = {"object": {"n": [1] * items, "s": "a" * text}}
    assert too_much(readers([source]), values) is expected


class Recorder:
    """Says yes to one verb and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Attributes] = []

    def authorize(self, attributes: Attributes) -> Decision:
        self.asked.append(attributes)
        return Decision(attributes.verb == "approve", "because")


@pytest.mark.parametrize(
    ("chain", "user", "resource", "path"),
    [
        ("group('g').resource('r').subresource('s').namespace('n').name('x')", "ann", "r/s", ""),
        ("requestResource", "ann", "configmaps", ""),
        ("path('/healthz')", "ann", "", "/healthz"),
        ("serviceAccount('n', 'sa').group('').resource('r')", "system:serviceaccount:n:sa", "r", ""),
    ],
)
def test_the_authorizer_is_asked_about_what_the_chain_says(chain: str, user: str, resource: str, path: str) -> None:
    recorder = Recorder()
    with asking(cast("Authorizer", recorder), User("ann")):
        assert value(f"authorizer.{chain}.check('approve').allowed()") is True
        assert value(f"authorizer.{chain}.check('other').allowed()") is False
    asked = recorder.asked[0]
    assert (asked.user.name, asked.qualified, asked.path) == (user, resource, path)


@pytest.mark.parametrize("chain", ["check('x')", "group('').check('x')", "resource('r')", "path('/').name('x')"])
def test_a_chain_out_of_order_is_an_error(chain: str) -> None:
    with asking(cast("Authorizer", Recorder()), User("ann")), pytest.raises(CelError, match="no such overload"):
        value(f"authorizer.{chain}")


def test_nobody_is_authorized_outside_of_a_write() -> None:
    with pytest.raises(CelError, match="not available"):
        value("authorizer.requestResource.check('get').allowed()")


@pytest.mark.parametrize(
    ("expressions", "expected"), [(["true"], True), (["object.nosuch", "false"], False), ([], True)]
)
def test_a_false_condition_outweighs_an_error(expressions: list[str], expected: bool) -> None:
    conditions = Conditions.of([{"name": "c", "expression": one} for one in expressions], BASIC)
    assert conditions.hold(shown({})) is expected


@pytest.mark.parametrize("source", ["object.nosuch", "object.n", "object ++"])
def test_a_condition_that_is_neither_true_nor_false_is_an_error(source: str) -> None:
    with pytest.raises(CelError):
        Conditions.of([{"name": "c", "expression": source}], BASIC).hold(shown({"n": 1}))


def test_large_numbers_become_doubles_and_the_rest_stays() -> None:
    small = {"a": [1, 2**63 - 1]}
    assert fitting(small) is small
    assert fitting({"a": [2**63], "b": 10**400}) == {"a": [float(2**63)], "b": float("inf")}


def test_a_name_with_a_nul_is_another_name() -> None:
    assert value("object.name == 'ann'", {"name": "ann\0", "n": 1}) is False
    assert value("object.name.matches('^[a-z]+$')", {"name": "ann\0", "n": 1}) is False
