"""Labels and label selectors inside objects: what makes them unfit, in Kubernetes' words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kgents.embedded.apiserver.names import label_key_problem, label_value_problem
from kgents.embedded.schema.causes import Cause, forbidden, invalid, required

Object = Mapping[str, Any]
OPERATORS = ("DoesNotExist", "Exists", "In", "NotIn")


def check_labels(where: str, labels: Object | None) -> list[Cause]:
    """Labels, or the plain part of a selector."""
    causes: list[Cause] = []
    for key, value in (labels or {}).items():
        if problem := label_key_problem(key):
            causes.append(invalid(where, key, problem))
        if problem := label_value_problem(str(value)):
            causes.append(invalid(where, value, problem))
    return causes


def check_annotations(where: str, annotations: Object | None) -> list[Cause]:
    """The keys of annotations; upper case does no harm in them."""
    problems = ((key, label_key_problem(key.lower())) for key in annotations or ())
    return [invalid(where, key, problem) for key, problem in problems if problem]


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
    if problem := label_key_problem(str(one.get("key") or "")):
        causes.append(invalid(f"{at}.key", one.get("key") or "", problem))
    for index, value in enumerate(values):
        if problem := label_value_problem(str(value)):
            causes.append(invalid(f"{at}.values[{index}]", value, problem))
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
