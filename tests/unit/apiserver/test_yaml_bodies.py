from __future__ import annotations

from typing import Any

import pytest

from kgents.embedded.apiserver.yaml_bodies import YamlError, load

VALUES: list[tuple[str, Any]] = [
    ("a: 1\nb: [x, 1.5, yes, ~, 0x10, '1']", {"a": 1, "b": ["x", 1.5, True, None, 16, "1"]}),
    ("{1: a, true: b, 1.5: c}", {"1": "a", "true": "b", "1.5": "c"}),
    ("when: 2026-01-01", {"when": "2026-01-01"}),
    ("a: !!str 1\nb: !!binary aGk=\nc: !mine x\nd: !!set {x}", {"a": "1", "b": "hi", "c": "x", "d": {"x": None}}),
    (
        "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a",
        {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 1, "y": 2}},
    ),
    ("b: {<<: [{x: 1}, {x: 2, y: 2}]}", {"b": {"x": 1, "y": 2}}),
    ("'<<': 1", {"<<": 1}),
    ("text: |\n  two\n  lines\n", {"text": "two\nlines\n"}),
    ("a: 1\n---\nb: 2", {"a": 1}),
    ('{"json": true}', {"json": True}),
    ("", None),
]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_yaml_means_what_it_means_to_kubernetes(text: str, value: Any) -> None:
    assert load(text.encode()) == value


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(9 * ['*' + chr(97 + i)])}]\n" for i in range(9)
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (BOMB, "document contains excessive aliasing"),
        ("[" * 100_000, "exceeded max depth"),
        ("a:\n" + "".join(" " * i + "-\n" for i in range(1, 2000)), "exceeded max depth|sequence entries"),
        ("a: &a [*a]", "anchor 'a' value contains itself"),
        ("a: *b", "unknown anchor 'b'|undefined alias"),
        ("a: .inf", "unsupported value: .inf"),
        ("{[a]: b}", "unsupported map key of type: list"),
        ("{~: b}", "unsupported map key of type: NoneType"),
        ("a: !!int x", "cannot decode !!int `x`"),
        ("<<: 1", "map merge requires map or sequence of maps as the value"),
        ("a: [", "line"),
        ("a: b: c", "line 1: mapping values are not allowed"),
        ("\x00", "not allowed"),
    ],
)
def test_what_cannot_be_json_is_refused(text: str, why: str) -> None:
    with pytest.raises(YamlError, match=why):
        load(text.encode())


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(YamlError):
        load(b"a: \xff\xfe\xfd")


def test_an_alias_is_a_copy() -> None:
    value = load(b"a: &a {x: [1]}\nb: *a")
    value["a"]["x"].append(2)
    assert value["b"] == {"x": [1]}


def test_depth_counts_through_aliases() -> None:
    from kgents.embedded.schema.depth import MAX_DEPTH

    half = MAX_DEPTH // 2
    nested = "[" * half
    text = f"a: &a {nested}{']' * half}\nb: &b {nested}*a{']' * half}\n"
    with pytest.raises(YamlError, match="exceeded max depth"):
        load(text.encode())
