"""The forms that names, labels and the like must have, with the wording of Kubernetes for each."""

from __future__ import annotations

from kgents.embedded.schema.name_forms import LABEL, LABEL_1035, LABEL_VALUE, NAME_PART, SUBDOMAIN


def dns_label(name: str) -> str:
    """What is wrong with it as a DNS label (RFC 1123), or nothing."""
    return LABEL.problem(name)


def dns_1035_label(name: str) -> str:
    """What is wrong with it as a label that begins with a letter, or nothing."""
    return LABEL_1035.problem(name)


def dns_subdomain(name: str) -> str:
    """What is wrong with it as a DNS subdomain (RFC 1123), or nothing."""
    return SUBDOMAIN.problem(name)


def path_segment(name: str) -> str:
    """What is wrong with it as one segment of a path, or nothing."""
    if name in (".", ".."):
        return f"may not be '{name}'"
    found = [char for char in "/%" if char in name]
    return f"may not contain '{found[0]}'" if found else ""


def label_value_problem(value: str) -> str:
    """What is wrong with a label's value, or nothing."""
    return LABEL_VALUE.problem(value)


def label_key_problem(key: str) -> str:
    """What is wrong with the key of a label or annotation, or nothing."""
    prefix, slash, name = key.rpartition("/")
    if slash and not prefix:
        return "prefix part must be non-empty"
    if "/" in prefix:
        optional = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return f"a valid label key {NAME_PART.text} {optional}"
    if prefix and (problem := dns_subdomain(prefix)):
        return f"prefix part {problem}"
    if not name:
        return "name part must be non-empty"
    problem = NAME_PART.problem(name)
    return f"name part {problem}" if problem else ""
