"""Whether a policy's expressions fit the kinds that they are about: what its status warns of.

Expressions see objects as values of any type, so that a misspelt field is only noticed by the write that it fails for.
Here they are checked against the schemas of the kinds that the policy names, as kube-controller-manager does.
https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#type-checking
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kgents.embedded.apiserver.policies.compiled import names_of, param_kind, variables_of
from kgents.embedded.apiserver.policies.expressions import Variables, expand, typed
from kgents.embedded.schema.cel import CelError, compile_in

if TYPE_CHECKING:
    from kgents.embedded.apiserver.registry import Registry, Resource
    from kgents.embedded.schema.node import Node

Object = dict[str, Any]
MAX_KINDS = 10
SECONDS = 2.0
"""Processor time for one policy; what is not checked by then is not warned of."""
PREFIX = "compilation failed: "
log = logging.getLogger(__name__)
BLOCK = re.compile(r"\n(?=ERROR: )")


def warnings(policy: Mapping[str, Any], registry: Registry) -> list[Object]:
    """The `expressionWarnings` of a policy that was accepted."""
    spec = policy.get("spec") or {}
    end = time.thread_time() + SECONDS
    environments = list(_environments(spec, registry, end))
    variables = {kind: _sound(variables_of(spec), environment) for kind, environment in environments}
    found: list[Object] = []
    for place, source in _expressions(spec):
        problems = []
        for kind, environment in environments:
            if time.thread_time() > end:
                return found
            problem = _problem(source, variables[kind], environment)
            problems += [f"{kind}: {problem}\n"] if problem else []
        if problems:
            found.append({"fieldRef": place, "warning": "\n".join(problems)})
    return found


def _sound(variables: Variables, environment: Any) -> Variables:
    """The variables; one that does not fit itself has no type, and is no fault of who uses it."""
    found: list[tuple[str, str]] = []
    for name, body in variables:
        found.append((name, "dyn(null)" if _problem(body, found, environment) else body))
    return found


def _problem(source: str, variables: Variables, environment: Any) -> str:
    try:
        compile_in(environment, expand(source, variables))
    except CelError as error:
        told = BLOCK.split(error.what.removeprefix(PREFIX))
        # What follows from an error before is not told again.
        return "\n".join(block for block in told if "'*error*'" not in block)
    return ""


def _expressions(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for index, one in enumerate(spec.get("validations") or ()):
        for key in ("expression", "messageExpression"):
            if one.get(key):
                yield f"spec.validations[{index}].{key}", str(one[key])


def _environments(spec: Mapping[str, Any], registry: Registry, end: float) -> Iterator[tuple[str, Any]]:
    names = names_of(spec)
    extra: dict[str, Node] = {}
    if spec.get("paramKind"):
        wanted = param_kind(spec["paramKind"])
        for one in registry:
            if (one.group, one.version, one.kind) == (wanted.group, wanted.version, wanted.kind):
                extra["params"] = _node(one)
    for resource in _resources(spec, registry):
        if time.thread_time() < end:
            node = _node(resource)
            kind = f"{resource.group}/{resource.version}, Kind={resource.kind}"
            try:
                yield kind, typed(names, {"object": node, "oldObject": node, **extra})
            except (RuntimeError, TypeError, ValueError) as error:
                # As in Kubernetes: a schema that makes no type is not checked against, and stops nobody.
                log.warning("no type for %s: %s", kind, error)


def _resources(spec: Mapping[str, Any], registry: Registry) -> list[Resource]:
    """The kinds that the rules name without a wildcard, in order."""
    found: dict[tuple[str, str, str], Resource] = {}
    for rule in (spec.get("matchConstraints") or {}).get("resourceRules") or ():
        for group, version, plural in _named(rule):
            resource = registry.find(group, version, plural)
            if resource is not None and len(found) < MAX_KINDS:
                found[group, version, resource.kind] = resource
    return [found[key] for key in sorted(found)]


def _named(rule: Mapping[str, Any]) -> Iterable[tuple[str, str, str]]:
    groups, versions = rule.get("apiGroups") or (), rule.get("apiVersions") or ()
    if any("*" in one for one in (*groups, *versions)):
        return
    plurals = [one for one in rule.get("resources") or () if "*" not in one and "/" not in one]
    for group in sorted(groups):
        for version in sorted(versions):
            yield from ((group, version, plural) for plural in sorted(plurals))


def _node(resource: Resource) -> Node:
    """The schema of a kind; a custom one with what every object has."""
    root = resource.schema.root
    if not resource.custom or not root.properties:
        return root
    from kgents.embedded.schema import builtin
    from kgents.embedded.schema.node import compile_schema

    text = {"type": "string"}
    properties = {**(root.source.get("properties") or {}), "apiVersion": text, "kind": text}
    whole = compile_schema({**root.source, "properties": properties})
    whole.properties["metadata"] = builtin.object_meta()
    return whole
