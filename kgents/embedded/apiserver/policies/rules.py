"""What is wrong with the rules by which policies and webhooks say which requests they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kgents.embedded.apiserver.names import path_segment
from kgents.embedded.apiserver.policies.checks import one_of
from kgents.embedded.schema.causes import Cause, duplicate, invalid, required

Object = Mapping[str, Any]
OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
SCOPES = ("*", "Cluster", "Namespaced")
OTHERS = {"operations": "operations", "apiGroups": "API groups", "apiVersions": "API versions"}


def check_rules(where: str, given: Sequence[Object], *, named: bool = True) -> list[Cause]:
    """The causes against a list of rules. `named`: they may narrow themselves to names of resources."""
    causes: list[Cause] = []
    for index, rule in enumerate(given):
        at = f"{where}[{index}]"
        if named:
            causes += _names(f"{at}.resourceNames", rule.get("resourceNames") or ())
        causes += _rule(at, rule)
    return causes


def _names(where: str, names: Sequence[str]) -> list[Cause]:
    causes: list[Cause] = []
    for index, name in enumerate(names):
        if problem := path_segment(name):
            causes.append(invalid(f"{where}[{index}]", name, problem))
        if name in names[:index]:
            causes.append(duplicate(f"{where}[{index}]", name))
    return causes


def _rule(at: str, rule: Object) -> list[Cause]:
    causes: list[Cause] = []
    for key, others in OTHERS.items():
        entries = rule.get(key) or []
        if not entries:
            causes.append(required(f"{at}.{key}"))
        elif "*" in entries and len(entries) > 1:
            causes.append(invalid(f"{at}.{key}", entries, f"if '*' is present, must not specify other {others}"))
        if key == "operations":
            for spot, operation in enumerate(entries):
                causes += one_of(f"{at}.operations[{spot}]", operation, OPERATIONS)
        elif key == "apiVersions":
            causes += [required(f"{at}.{key}[{spot}]") for spot, version in enumerate(entries) if not version]
    causes += _resources(f"{at}.resources", rule.get("resources") or [])
    return causes + one_of(f"{at}.scope", rule.get("scope"), SCOPES)


def _resources(where: str, resources: Sequence[str]) -> list[Cause]:
    if not resources:
        return [required(where)]
    causes: list[Cause] = []
    whole: set[str] = set()
    everywhere: set[str] = set()
    for index, entry in enumerate(resources):
        resource, slash, sub = entry.partition("/")
        if not entry:
            causes.append(required(f"{where}[{index}]"))
        if not slash:
            continue
        if resource in whole:
            text = f"if '{resource}/*' is present, must not specify {entry}"
            causes.append(invalid(f"{where}[{index}]", entry, text))
        if sub in everywhere:
            text = f"if '*/{sub}' is present, must not specify {entry}"
            causes.append(invalid(f"{where}[{index}]", entry, text))
        whole |= {resource} if sub == "*" else set()
        everywhere |= {sub} if resource == "*" else set()
    if len(resources) > 1 and "*/*" in resources:
        causes.append(invalid(where, resources, "if '*/*' is present, must not specify other resources"))
    if "*" in resources and any("/" not in entry and entry != "*" for entry in resources):
        text = "if '*' is present, must not specify other resources without subresources"
        causes.append(invalid(where, resources, text))
    return causes
