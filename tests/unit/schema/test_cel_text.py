from __future__ import annotations

from typing import Any

import pytest

from kgents.embedded.schema.cel import CelError, compile_expression
from kgents.embedded.schema.cel_text import expand

VALUES: dict[str, Any] = {"v": {"name": "leaf", "parts": ["a", "b"], "sizes": {"x": 1, "y": 2}}}


@pytest.mark.parametrize(
    "source",
    [
        "v.parts.all(i, part, part == ['a', 'b'][i])",
        "v.sizes.exists(key, size, key == 'y' && size == 2)",
        "v.parts.existsOne(i, part, i == 1)",
        "v.parts.transformList(i, part, part + string(i)) == ['a0', 'b1']",
        "v.parts.transformList(i, part, i > 0, part) == ['b']",
        "v.sizes.transformMap(key, size, size * 2) == {'x': 2, 'y': 4}",
        "v.sizes.transformMap(key, size, size > 1, key) == {'y': 'y'}",
        "v.parts.transformMapEntry(i, part, {part: i}) == {'a': 0, 'b': 1}",
        "[[1, 2], [3]].all(row, row.all(i, one, one > i))",
        "[3, 1, 2].sortBy(one, -one) == [3, 2, 1]",
        "v.parts.first().value() == 'a' && [].last().orValue('none') == 'none'",
        "!format.dns1123Label().validate(v.name).hasValue()",
        "format.named('dns1035Label').value().validate('1a').value().size() == 1",
        "!format.named('unheard').hasValue()",
        "v.parts.indexOf('b') == 1 && v.name.indexOf('af') == 2",
        "[1, 2, 1].lastIndexOf(1) == 2 && 'abab'.lastIndexOf('a') == 2",
        "v.parts.reverse() == ['b', 'a']",
        "[1, [2, [3]]].flatten(2) == [1, 2, 3] && [3, 1].sort() == [1, 3]",
        "[1, 1.0, '1'].distinct() == [1, '1'] && [1, 2, 3].slice(1, 2) == [2] && lists.range(2) == [0, 1]",
        "[duration('1s'), duration('2s')].sum() == duration('3s')",
        "semver('1.2.3-a.1').isLessThan(semver('1.2.3')) && semver('v1.2', true).minor() == 2",
        "!isSemver('01.2.3') && isSemver('1.2.3-rc.1+b.5')",
        "cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8') && cidr('10.1.2.3/8').ip() == ip('10.1.2.3')",
        "ip('192.168.0.1').isGlobalUnicast() && !isIP('::ffff:1.2.3.4')",
        "sets.equivalent([1, 'a'], ['a', 1.0, 1]) && !sets.intersects([1], [true])",
    ],
)
def test_what_the_runtime_lacks_is_there(source: str) -> None:
    assert compile_expression(source, {"v": "dyn"}).evaluate(VALUES) is True


@pytest.mark.parametrize(
    "source",
    ["v.all(x, x > 1)", "'v.all(a, b, c)' == v", "v.name.contains('.indexOf(')", "v // .all(a, b, c)", ""],
)
def test_what_needs_no_help_stays_as_it_is(source: str) -> None:
    assert expand(source) == source


@pytest.mark.parametrize("source", ["v.all(a, b, c", "(.all(a, b, c)", ".all(a, b, c)", "v.all(a, b,, c)", "v.all(,,)"])
def test_half_an_expression_does_not_compile(source: str) -> None:
    with pytest.raises(CelError):
        compile_expression(source, {"v": "dyn"})


def test_names_of_ours_stay_out_of_messages() -> None:
    with pytest.raises(CelError, match="overload for 'indexOf' applied"):
        compile_expression("(1).indexOf(2)", {})


def test_the_number_of_macros_is_limited() -> None:
    with pytest.raises(CelError, match="more than 50 macros"):
        compile_expression(" && ".join(["v.all(i, x, true)"] * 60), {"v": "dyn"})
