"""How an object is to be deleted: DeleteOptions, from the body or, when there is none, from the query."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kgents.embedded.apiserver import bodies
from kgents.embedded.apiserver.calls import Call
from kgents.embedded.apiserver.errors import bad_request, invalid
from kgents.embedded.apiserver.options import dry_run
from kgents.embedded.schema.causes import Cause, not_supported
from kgents.embedded.schema.causes import invalid as cause

Object = dict[str, Any]
KIND = "DeleteOptions"
DEFINITION = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
POLICIES = ("Foreground", "Background", "Orphan")
NUMBER = re.compile(r"[+-]?[0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Options:
    """DeleteOptions. `policy` is one of POLICIES or empty; `cascading` says that it came as orphanDependents=false."""

    uid: str = ""
    resource_version: str = ""
    policy: str = ""
    grace: int | None = None
    cascading: bool = False


def read_options(call: Call) -> Options:
    """The options of a deletion; says in the call whether it is a dry run. Raises 400, 422.

    As in Kubernetes a body makes the query count for nothing.
    """
    given = decode(call) if call.body else _from_query(call)
    call.info.query.pop("dryRun", None)
    if given.get("dryRun"):
        call.info.query["dryRun"] = "All"
    return check(given)


def decode(call: Call) -> Object:
    """The options of the body. Raises 400, 415."""
    given = bodies.parse(call.body, call.content_type)
    kind, version = given.get("kind") or KIND, given.get("apiVersion") or "v1"
    known = {"v1", "meta.k8s.io/v1", *(resource.api_version for resource in call.api.registry)}
    if kind != KIND or version not in known:
        raise bad_request(f'no kind "{kind}" is registered for version "{version}"')
    return _decoded(given)


def _decoded(given: Object) -> Object:
    from kgents.embedded.schema import builtin, decoding

    if wrong := decoding.decode_error(builtin.definition(DEFINITION), given, KIND):
        raise bad_request(wrong)
    return given


def _from_query(call: Call) -> Object:
    query = call.info.query
    given: Object = {"dryRun": list(call.info.dry_runs)}
    grace = query.get("gracePeriodSeconds")
    if grace:
        if not NUMBER.fullmatch(grace):
            raise bad_request(f'strconv.ParseInt: parsing "{grace}": invalid syntax')
        given["gracePeriodSeconds"] = int(grace)
    if "orphanDependents" in query:
        given["orphanDependents"] = query["orphanDependents"].lower() not in ("false", "0")
    if "propagationPolicy" in query:
        given["propagationPolicy"] = query["propagationPolicy"]
    return given


def check(given: Mapping[str, Any]) -> Options:
    """The options, if they are sound. Raises 422."""
    policy, orphan = given.get("propagationPolicy"), given.get("orphanDependents")
    causes: list[Cause] = []
    if policy is not None and orphan is not None:
        causes.append(cause("propagationPolicy", policy, "orphanDependents and deletionPropagation cannot be both set"))
    if policy is not None and policy not in POLICIES:
        causes.append(not_supported("propagationPolicy", policy, [*POLICIES, "nil"]))
    causes += dry_run(given.get("dryRun") or ())
    if causes:
        raise invalid("meta.k8s.io", KIND, "", causes)
    if orphan is not None:
        policy = "Orphan" if orphan else "Background"
    grace, conditions = given.get("gracePeriodSeconds"), given.get("preconditions") or {}
    if grace is not None:
        # Kubernetes takes a negative period for the shortest one.
        grace = int(grace) if grace >= 0 else 1
    uid, version = (str(conditions.get(key) or "") for key in ("uid", "resourceVersion"))
    return Options(uid, version, policy or "", grace, orphan is False)
