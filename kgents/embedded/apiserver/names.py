"""The forms that names, labels and the like must have, with the wording of Kubernetes for each."""

from __future__ import annotations

import re

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")

_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_LABEL_1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_NAME_PART_TEXT = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


def too_long(limit: int) -> str:
    """The wording for a text over its limit."""
    return f"must be no more than {limit} bytes"


def dns_label(name: str) -> str:
    """What is wrong with it as a DNS label (RFC 1123), or nothing."""
    if len(name) > 63:
        return too_long(63)
    return "" if _LABEL.fullmatch(name) else _LABEL_TEXT


def dns_1035_label(name: str) -> str:
    """What is wrong with it as a label that begins with a letter, or nothing."""
    if len(name) > 63:
        return too_long(63)
    return "" if _LABEL_1035.fullmatch(name) else _LABEL_1035_TEXT


def dns_subdomain(name: str) -> str:
    """What is wrong with it as a DNS subdomain (RFC 1123), or nothing."""
    if len(name) > 253:
        return too_long(253)
    return "" if _SUBDOMAIN.fullmatch(name) else _SUBDOMAIN_TEXT


def path_segment(name: str) -> str:
    """What is wrong with it as one segment of a path, or nothing."""
    if name in (".", ".."):
        return f"may not be '{name}'"
    found = [char for char in "/%" if char in name]
    return f"may not contain '{found[0]}'" if found else ""


def label_value_problem(value: str) -> str:
    """What is wrong with a label's value, or nothing."""
    if len(value) > 63:
        return too_long(63)
    return "" if _VALUE.fullmatch(value) else _VALUE_TEXT


def label_key_problem(key: str) -> str:
    """What is wrong with the key of a label or annotation, or nothing."""
    prefix, slash, name = key.rpartition("/")
    if slash and not prefix:
        return "prefix part must be non-empty"
    if "/" in prefix:
        optional = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return f"a valid label key {_NAME_PART_TEXT} {optional}"
    if prefix and (problem := dns_subdomain(prefix)):
        return f"prefix part {problem}"
    if not name:
        return "name part must be non-empty"
    if len(name) > 63:
        return f"name part {too_long(63)}"
    return "" if _QUALIFIED.fullmatch(name) else f"name part {_NAME_PART_TEXT}"
