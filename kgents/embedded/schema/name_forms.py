"""The forms of names and labels, and Kubernetes' words for each: one place for the server's own rules and for CEL's."""

from __future__ import annotations

import re
from typing import NamedTuple


class Form(NamedTuple):
    """What a text must match, how long it may be, and what is said of one that does not."""

    pattern: re.Pattern[str]
    limit: int
    text: str

    def problems(self, value: str) -> list[str]:
        """All that is wrong with it."""
        found = [too_long(self.limit)] if len(value) > self.limit else []
        return found if self.pattern.fullmatch(value) else [*found, self.text]

    def problem(self, value: str) -> str:
        """What is wrong with it first, or nothing."""
        return next(iter(self.problems(value)), "")


def too_long(limit: int) -> str:
    """The wording for a text over its limit."""
    return f"must be no more than {limit} bytes"


def _form(pattern: str, limit: int, rule: str, examples: str) -> Form:
    return Form(
        re.compile(pattern, re.ASCII), limit, f"{rule} (e.g. {examples}, regex used for validation is '{pattern}')"
    )


_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_ENDS = "and must start and end with an alphanumeric character"

LABEL = _form(
    _LABEL,
    63,
    f"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', {_ENDS}",
    "'my-name',  or '123-abc'",
)
LABEL_1035 = _form(
    r"[a-z]([-a-z0-9]*[a-z0-9])?",
    63,
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character",
    "'my-name',  or 'abc-123'",
)
SUBDOMAIN = _form(
    rf"{_LABEL}(\.{_LABEL})*",
    253,
    f"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', {_ENDS}",
    "'example.com'",
)
NAME_PART = _form(
    _QUALIFIED,
    63,
    f"must consist of alphanumeric characters, '-', '_' or '.', {_ENDS}",
    "'MyName',  or 'my.name',  or '123-abc'",
)
LABEL_VALUE = _form(
    f"({_QUALIFIED})?",
    63,
    f"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', {_ENDS}",
    "'MyValue',  or 'my_value',  or '12345'",
)


def label_key_problems(value: str) -> list[str]:
    """All that is wrong with the key of a label or annotation, which is what Kubernetes calls a qualified name."""
    prefix, slash, name = value.rpartition("/")
    if "/" in prefix:
        optional = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return [f"a valid label key {NAME_PART.text} {optional}"]
    problems = []
    if slash and not prefix:
        problems.append("prefix part must be non-empty")
    elif slash:
        problems += [f"prefix part {one}" for one in SUBDOMAIN.problems(prefix)]
    if not name:
        problems.append("name part must be non-empty")
    return problems + [f"name part {one}" for one in NAME_PART.problems(name)]
