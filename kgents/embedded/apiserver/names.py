"""The forms that names, labels and the like must have, with the wording of Kubernetes for each."""

from __future__ import annotations

from kgents.embedded.schema.name_forms import LABEL, LABEL_1035, LABEL_VALUE, SUBDOMAIN, label_key_problems


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
    return "; ".join(LABEL_VALUE.problems(value))


def label_key_problem(key: str) -> str:
    """What is wrong with the key of a label or annotation, or nothing."""
    return "; ".join(label_key_problems(key))
