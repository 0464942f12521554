"""Label and field selectors, as query strings say them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kgents.embedded.apiserver.errors import bad_request
from kgents.embedded.apiserver.names import label_key_problem, label_value_problem
from kgents.embedded.schema.causes import NOWHERE, invalid, invalid_message

_TOKEN = re.compile(r"\s*(==|!=|=|!|,|\(|\)|<|>|[^\s=!,()<>]+)")

Requirement = tuple[str, str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Selector:
    """What an object's labels and fields must be like. Requirements are (key, operator, values)."""

    labels: tuple[Requirement, ...] = ()
    fields: tuple[Requirement, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether everything matches."""
        return not self.labels and not self.fields

    @property
    def name(self) -> str:
        """The one name that an object can have, if there is but one."""
        for key, operator, values in self.fields:
            if key == "metadata.name" and operator == "in":
                return next(iter(values))
        return ""

    def matches(self, labels: Mapping[str, str], field: Callable[[str], str]) -> bool:
        """Whether an object with these labels, and these values of fields, is meant."""
        for key, operator, values in self.labels:
            if not _holds(key in labels, labels.get(key, ""), operator, values):
                return False
        return all((field(key) in values) == (operator == "in") for key, operator, values in self.fields)


EVERYTHING = Selector()


def _holds(present: bool, value: str, operator: str, values: frozenset[str]) -> bool:
    if operator == "in":
        return present and value in values
    if operator == "notin":
        return not present or value not in values
    if operator == "exists":
        return present
    if operator == "absent":
        return not present
    try:
        number, limit = int(value), int(next(iter(values)))
    except ValueError:
        return False
    return number > limit if operator == "gt" else number < limit


class _Tokens:
    def __init__(self, text: str) -> None:
        self.text = text
        self.items = _TOKEN.findall(text)
        self.at = 0

    def peek(self) -> str:
        return str(self.items[self.at]) if self.at < len(self.items) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def fail(self, why: str) -> Exception:
        return bad_request(f"unable to parse requirement: {why}")


def parse_labels(text: str) -> tuple[Requirement, ...]:
    """`a=b,c in (d,e),!f` as requirements. Raises 400."""
    tokens = _Tokens(text)
    found: list[Requirement] = []
    while tokens.peek():
        found.append(_requirement(tokens))
        separator = tokens.take()
        if separator not in ("", ","):
            raise tokens.fail(f"found '{separator}', expected: ',' or 'end of string'")
        if separator == "," and not tokens.peek():
            raise tokens.fail("found '', expected: identifier after ','")
    return tuple(found)


def _requirement(tokens: _Tokens) -> Requirement:
    token = tokens.take()
    if token == "!":
        return (_key(tokens, tokens.take()), "absent", frozenset())
    key = _key(tokens, token)
    operator = tokens.peek()
    if operator in ("", ","):
        return (key, "exists", frozenset())
    tokens.take()
    if operator in ("=", "==", "!="):
        value = "" if tokens.peek() in ("", ",") else tokens.take()
        return (key, "notin" if operator == "!=" else "in", _valid(tokens, key, [value]))
    if operator in ("<", ">"):
        return (key, "gt" if operator == ">" else "lt", _valid(tokens, key, [tokens.take()], whole=True))
    if operator in ("in", "notin"):
        return (key, operator, _valid(tokens, key, _values(tokens)))
    raise tokens.fail(f"found '{operator}', expected: in, notin, =, ==, !=, gt, lt")


def _values(tokens: _Tokens) -> list[str]:
    opening = tokens.take()
    if opening != "(":
        raise tokens.fail(f"found '{opening}' expected: '('")
    values: set[str] = set()
    while True:
        token = tokens.peek()
        values.add("" if token in (",", ")", "") else tokens.take())
        token = tokens.take()
        if token == ")":
            return sorted(values)
        if token != ",":
            raise tokens.fail(f"found '{token}', expected: ',' or ')'")


def _key(tokens: _Tokens, key: str) -> str:
    if problem := label_key_problem(key):
        raise tokens.fail(str(invalid(NOWHERE, key, problem)))
    return key


def _valid(tokens: _Tokens, key: str, values: list[str], *, whole: bool = False) -> frozenset[str]:
    """The values, if all are such as a label can have."""
    causes = []
    for index, value in enumerate(values):
        if whole and not value.lstrip("-").isdigit():
            text = "for 'Gt', 'Lt' operators, the value must be an integer"
            causes.append(invalid(f"values[{index}]", value, text))
        if problem := label_value_problem(value):
            causes.append(invalid(f"values[{index}][{key}]", value, problem))
    if causes:
        raise tokens.fail(invalid_message(causes))
    return frozenset(values)


def parse_fields(text: str, known: Callable[[str], bool], complaint: Callable[[str], str]) -> tuple[Requirement, ...]:
    """`metadata.name=a,spec.nodeName!=b` as requirements; `complaint` words the error of an unknown field. 400."""
    found: list[Requirement] = []
    for term in _split_terms(text):
        match = re.match(r"^(.*?)(!=|==|=)(.*)$", term, re.DOTALL)
        if match is None:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{term}'")
        key, operator, value = match.groups()
        if not known(key):
            raise bad_request(complaint(key))
        value = re.sub(r"\\([\\,=])", r"\1", value)
        found.append((key, "notin" if operator == "!=" else "in", frozenset([value])))
    return tuple(found)


def _split_terms(text: str) -> list[str]:
    return [term for term in re.split(r"(?<!\\),", text) if term]
