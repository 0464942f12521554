"""Labels, annotations and label selectors: what makes them unfit wherever they stand, in Kubernetes' words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kgents.embedded.schema.causes import TOO_LONG, Cause, forbidden, invalid, required
from kgents.embedded.schema.name_forms import LABEL_VALUE, label_key_problems

Object = Mapping[str, Any]
ANNOTATIONS_LIMIT = 256 * 1024
OPERATORS = ("DoesNotExist", "Exists", "In", "NotIn")


def check_labels(where: str, labels: Object | None) -> list[Cause]:
    """Labels, or the plain part of a selector."""
    causes: list[Cause] = []
    for key, value in (labels or {}).items():
        causes += check_key(where, key) + _value(where, value)
    return causes


def check_key(where: str, key: str) -> list[Cause]:
    """The key of a label, or whatever else Kubernetes calls a qualified name."""
    return [invalid(where, key, problem) for problem in label_key_problems(key)]


def _value(where: str, value: Any) -> list[Cause]:
    return [invalid(where, value, problem) for problem in LABEL_VALUE.problems(str(value))]


def check_annotations(where: str, annotations: Object | None) -> list[Cause]:
    """The keys of annotations, in which upper case does no harm, and how much they are in all."""
    given = annotations or {}
    causes = [invalid(where, key, problem) for key in given for problem in label_key_problems(key.lower())]
    if sum(len(key) + len(str(value)) for key, value in given.items()) > ANNOTATIONS_LIMIT:
        causes.append(Cause(where, TOO_LONG, f"Too long: may not be more than {ANNOTATIONS_LIMIT} bytes"))
    return causes


def check_selector(where: str, given: Object | None) -> list[Cause]:
    """A label selector."""
    causes = check_labels(f"{where}.matchLabels", (given or {}).get("matchLabels"))
    for index, one in enumerate((given or {}).get("matchExpressions") or ()):
        causes += _requirement(f"{where}.matchExpressions[{index}]", one)
    return causes


def _requirement(at: str, one: Object) -> list[Cause]:
    causes: list[Cause] = []
    operator, values = one.get("operator") or "", one.get("values") or []
    if operator not in OPERATORS:
        causes.append(invalid(f"{at}.operator", operator, "not a valid selector operator"))
    causes += check_values(at, operator, values)
    causes += check_key(f"{at}.key", str(one.get("key") or ""))
    for index, value in enumerate(values):
        causes += _value(f"{at}.values[{index}]", value)
    return causes


def check_values(at: str, operator: str, values: list[Any]) -> list[Cause]:
    """Whether a requirement has values exactly where its operator wants them."""
    if operator in ("In", "NotIn") and not values:
        return [required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'")]
    if operator in ("Exists", "DoesNotExist") and values:
        return [forbidden(f"{at}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")]
    return []


def is_empty(selector: Object) -> bool:
    """Whether it picks everything."""
    return not selector.get("matchLabels") and not selector.get("matchExpressions")


def selects(selector: Object | None, labels: Object) -> bool:
    """Whether a selector picks these labels; one that is missing picks nothing."""
    if selector is None:
        return False
    plain = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in plain.items()) and all(
        _holds(one, labels) for one in selector.get("matchExpressions") or ()
    )


def _holds(one: Object, labels: Object) -> bool:
    value, operator, values = labels.get(str(one.get("key"))), one.get("operator"), one.get("values") or ()
    if operator == "In":
        return value in values
    if operator == "NotIn":
        return value not in values
    return (value is not None) == (operator == "Exists")
