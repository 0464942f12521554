"""Named formats in CEL (`format.dns1123Label().validate(text)`): the lists of what is wrong with a text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from kgents.embedded.schema.cel_network import is_url
from kgents.embedded.schema.cel_rows import Row
from kgents.embedded.schema.formats import FORMATS

_HINT = "(e.g. {examples}, regex used for validation is '{pattern}')"
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_OLD_LABEL = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = rf"({_QUALIFIED})?"
LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character " + _HINT.format(examples="'my-name',  or '123-abc'", pattern=_LABEL)
)
SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character " + _HINT.format(examples="'example.com'", pattern=_SUBDOMAIN)
)
OLD_LABEL_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character " + _HINT.format(examples="'my-name',  or 'abc-123'", pattern=_OLD_LABEL)
)
QUALIFIED_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character " + _HINT.format(examples="'MyName',  or 'my.name',  or '123-abc'", pattern=_QUALIFIED)
)
VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character "
    + _HINT.format(examples="'MyValue',  or 'my_value',  or '12345'", pattern=f"({_VALUE[1:-2]})?")
)

Problems = Callable[[str], list[str]]


def _limited(pattern: str, text: str, limit: int, *, prefix: bool = False) -> Problems:
    compiled = re.compile(pattern, re.ASCII)

    def check(value: str) -> list[str]:
        if len(value) > limit:
            return [f"must be no more than {limit} bytes"]
        tested = f"{value[:-1]}a" if prefix and value.endswith("-") else value
        return [] if compiled.fullmatch(tested) else [text]

    return check


def _qualified(value: str) -> list[str]:
    prefix, slash, name = value.rpartition("/")
    if "/" in prefix:
        return ["a qualified name must have at most one slash"]
    problems = []
    if slash and not prefix:
        problems.append("prefix part must be non-empty")
    elif slash:
        problems += [f"prefix part {one}" for one in FORMAT_CHECKS["dns1123Subdomain"](prefix)]
    if not name:
        return [*problems, "name part must be non-empty", QUALIFIED_TEXT]
    return problems + _limited(_QUALIFIED, QUALIFIED_TEXT, 63)(name)


def _known(name: str, text: str) -> Problems:
    return lambda value: [] if FORMATS[name](value) else [text]


FORMAT_CHECKS: dict[str, Problems] = {
    "dns1123Label": _limited(_LABEL, LABEL_TEXT, 63),
    "dns1123Subdomain": _limited(_SUBDOMAIN, SUBDOMAIN_TEXT, 253),
    "dns1035Label": _limited(_OLD_LABEL, OLD_LABEL_TEXT, 63),
    "qualifiedName": _qualified,
    "dns1123LabelPrefix": _limited(_LABEL, LABEL_TEXT, 63, prefix=True),
    "dns1123SubdomainPrefix": _limited(_SUBDOMAIN, SUBDOMAIN_TEXT, 253, prefix=True),
    "dns1035LabelPrefix": _limited(_OLD_LABEL, OLD_LABEL_TEXT, 63, prefix=True),
    "labelValue": _limited(_VALUE, VALUE_TEXT, 63),
    "uri": lambda value: [] if is_url(value) else [f'parse "{value}": invalid URI for request'],
    "uuid": _known("uuid", "does not match the UUID format"),
    "byte": _known("byte", "invalid base64"),
    "date": _known("date", "invalid date"),
    "datetime": _known("date-time", "invalid datetime"),
}


def _named(name: str) -> Any:
    """Empty, which `optional.ofNonZeroValue` takes for none, when there is no such format."""
    return {"format": name} if name in FORMAT_CHECKS else {}


def _validate(form: Any, text: str) -> list[str]:
    check = FORMAT_CHECKS.get(form.get("format", ""))
    if check is None:
        raise ValueError("no such overload")
    return check(text)


def _constant(name: str) -> Callable[[], Any]:
    return lambda: {"format": name}


ROWS: tuple[Row, ...] = (
    *((f"format.{name}", False, "map", (), _constant(name)) for name in FORMAT_CHECKS),
    ("named__", False, "map", ("string",), _named),
    ("validate__", True, "string*", ("map", "string"), _validate),
)
