"""To adopt a workload that somebody else made, and to let go of it again.

The workload is read and not written: adopting leaves nothing on it. Only merged proposals do, because somebody decided
so; letting go takes kgents' name off what they changed.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kgents.api import adopting, rows
from kgents.api.adopting import Ref
from kgents.api.errors import NotFound, Refused, UsageError
from kgents.api.governance.changes import PROPOSAL_ANNOTATION
from kgents.api.kinds import AGENT, API_VERSION, DEPLOYMENT, POD, STATEFUL_SET, Kind
from kgents.api.names import check_agent_name, is_object_name, missing
from kgents.api.operations.requests import Call, Create, Delete, Discover, Get, List, Object, Operation, Patch, Request

MERGES = "kgents-proposals"
"""The field manager of merges."""
_OWN = {
    "deployment": DEPLOYMENT, "deployments": DEPLOYMENT, "deploy": DEPLOYMENT,
    "statefulset": STATEFUL_SET, "statefulsets": STATEFUL_SET, "sts": STATEFUL_SET,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Owner:
    """A kind whose controller makes workloads. The API server says which of the versions it has."""

    kind: str
    group: str
    versions: tuple[str, ...]


_SANDBOX = _Owner("Sandbox", "agents.x-k8s.io", ("v1", "v1beta1", "v1alpha1"))
_KAGENT = _Owner("Agent", "kagent.dev", ("v1", "v1beta1", "v1alpha2", "v1alpha1"))
_OWNERS = {
    "sandbox": _SANDBOX, "sandboxes": _SANDBOX, "sandbox.agents.x-k8s.io": _SANDBOX,
    "sandboxes.agents.x-k8s.io": _SANDBOX,
    "agent": _KAGENT, "agents": _KAGENT, "kagent": _KAGENT, "agent.kagent.dev": _KAGENT, "agents.kagent.dev": _KAGENT,
}  # fmt: skip
_SAY = "Say deploy/NAME, statefulset/NAME, agent.kagent.dev/NAME or sandbox/NAME"


def adopt(call: Call) -> Operation:
    """Makes an Agent whose body is a workload that is there. Of one that has adopted it already, the same again."""
    name, given = check_agent_name(call.bindings["agent"]), call.arguments
    kind, workload = yield from _find(str(given["workload"]), call.namespace)
    ref = Ref(kind.kind, str(workload["metadata"]["name"]))
    if maker := adopting.maker_of(workload):
        raise Refused(f"{ref.text} is a part of the agent {maker}", why="kgents made it itself", fix=f"See {maker}")
    reference: Object = {"apiVersion": kind.api_version, "kind": kind.kind, "name": ref.name}
    if kind is not POD:  # a Pod is made anew by what owns it, and is the same sandbox still
        reference["uid"] = workload["metadata"]["uid"]
    if given.get("container"):
        reference["container"] = _container(workload, ref, str(given["container"]))
    spec: Object = {"workloadRef": reference}
    spec |= {field: given[field] for field in ("genus", "signals", "reactions", "ports") if given.get(field)}
    before = yield from _adopters(call, name, ref)
    if before is not None:
        made = yield Patch(AGENT, name, {"spec": spec}, call.namespace)
    else:
        agent = {"apiVersion": API_VERSION, "kind": AGENT.kind, "metadata": {"name": name}, "spec": spec}
        made = yield Create(AGENT, agent, call.namespace)
    keeper = adopting.keeper_of(workload)
    return [
        {**rows.agent_row(made, call.now), "adopts": ref.text, "keeper": keeper or None, "again": before is not None}
    ]


def release(call: Call) -> Operation:
    """Deletes an Agent that adopts a workload, and what kgents made beside it. The workload runs on."""
    name = call.bindings["agent"]
    try:
        agent = yield Get(AGENT, name, call.namespace)
    except NotFound as error:
        raise missing("agent", name, call.namespace) from error
    if adopting.ref_of(agent) is None:
        why = "kgents made all that it runs, so that there is nothing to let go of"
        raise UsageError(f"{name} adopts no workload", why=why, fix=f"To delete it: kgents delete {name}")
    return (yield from let_go(call, agent))


def let_go(call: Call, agent: Object) -> Generator[Request, Any, list[Object]]:
    """One row: {"name", "namespace", "phase", "released": the workload, "left": what could not be taken off it}."""
    name, ref = str(agent["metadata"]["name"]), adopting.ref_of(agent)
    assert ref is not None
    left = yield from _take_names_off(ref, agent, call.namespace)
    try:
        yield Delete(AGENT, name, call.namespace)
    except NotFound as error:
        raise missing("agent", name, call.namespace) from error
    row = {"name": name, "namespace": call.namespace, "phase": "Terminating", "released": ref.text, "left": left}
    return [row]


def _take_names_off(ref: Ref, agent: Object, namespace: str) -> Generator[Request, Any, str | None]:
    """The notes of merges, if there were any. What they changed stays as it is: somebody decided so."""
    kind = adopting.KINDS[ref.kind]
    try:
        workload = yield Get(kind, ref.name, namespace)
    except NotFound:
        return None
    except Refused as error:
        return f"what merges have left on {ref.text}, if anything: {error.what}"
    mine = (agent.get("status") or {}).get("workload") or {}
    patch = _without_names(workload)
    if not patch or (mine.get("uid") and mine["uid"] != workload["metadata"]["uid"]):
        return None
    try:
        yield Patch(kind, ref.name, patch, namespace, type="json")
    except Refused as error:
        return f"the note of the last merge on {ref.text}: {error.what}"
    return None


def _without_names(workload: Object) -> list[Object]:
    """JSON patch operations that take off what merges noted, on the version that was read; [] when there is nothing."""
    metadata = workload["metadata"]
    annotations = metadata.get("annotations") or {}
    managers = metadata.get("managedFields") or []
    patch: list[Object] = []
    if PROPOSAL_ANNOTATION in annotations:
        escaped = "" if len(annotations) == 1 else "/" + PROPOSAL_ANNOTATION.replace("/", "~1")
        patch.append({"op": "remove", "path": f"/metadata/annotations{escaped}"})
    ours = [place for place, entry in enumerate(managers) if entry.get("manager") == MERGES]
    if ours and len(ours) < len(managers):
        patch += [{"op": "remove", "path": f"/metadata/managedFields/{place}"} for place in reversed(ours)]
    if not patch:
        return []
    return [{"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]}, *patch]


def _adopters(call: Call, name: str, ref: Ref) -> Generator[Request, Any, Object | None]:
    """The agent of that name, if this is its workload. Raises Refused when either is taken."""
    try:
        agents = list((yield List(AGENT, call.namespace)))
    except Refused:
        agents = []  # the operators see it all the same
    for agent in agents:
        own = str(agent["metadata"]["name"])
        if own != name and adopting.is_of(agent, ref.kind, call.namespace, ref.name):
            fix = f"Release it first: kgents release {own}"
            raise Refused(f"{ref.text} is adopted by the agent {own} already", fix=fix)
    found = next((dict(agent) for agent in agents if agent["metadata"]["name"] == name), None)
    if found is not None and not adopting.is_of(found, ref.kind, call.namespace, ref.name):
        raise Refused(f"There is an agent {name} already, of another body", fix="Give yours another name: --as NAME")
    return found


def _find(text: str, namespace: str) -> Generator[Request, Any, tuple[Kind, Object]]:
    """The workload behind what somebody names. Raises UsageError or NotFound."""
    kind, slash, name = text.partition("/")
    if "/" in name:
        why = "a workload is adopted in its own namespace"
        raise UsageError(f"“{text[:80]}” is no workload", why=why, fix=f"{_SAY}, and the namespace with -n")
    if not slash or not is_object_name(name):
        raise UsageError(f"“{text[:80]}” is no workload", fix=_SAY)
    own, owner = _OWN.get(kind.lower()), _OWNERS.get(kind.lower())
    if own is not None:
        return own, (yield from _get(own, name, namespace))
    if owner is None:
        raise UsageError(
            f"A {kind[:60]} cannot be adopted", why="it is nothing whose pods go on by themselves", fix=_SAY
        )
    served = yield from _served(owner)
    found = yield from _get(served, name, namespace)
    return (yield from _body_of(found, owner, namespace))


def _get(kind: Kind, name: str, namespace: str) -> Generator[Request, Any, Object]:
    try:
        found = yield Get(kind, name, namespace)
    except NotFound as error:
        fix = f"See which there are: kubectl get {kind.plural} -n {namespace}"
        raise NotFound(f"There is no {kind.kind} “{name[:60]}” in the namespace {namespace}", fix=fix) from error
    return {**found, "kind": kind.kind}


def _served(owner: _Owner) -> Generator[Request, Any, Kind]:
    for version in owner.versions:
        try:
            found: Kind = yield Discover(f"{owner.group}/{version}", owner.kind)
        except NotFound:
            continue
        return found
    why = f"its API server has no {owner.kind} of {owner.group}"
    raise NotFound(f"This cluster knows no {owner.kind} ({owner.group})", why=why, fix=_SAY)


def _body_of(found: Mapping[str, Any], owner: _Owner, namespace: str) -> Generator[Request, Any, tuple[Kind, Object]]:
    """What its controller has made that runs: of several kinds the one that makes the pods."""
    uid, name = found["metadata"]["uid"], found["metadata"]["name"]
    for kind in (DEPLOYMENT, STATEFUL_SET, POD):
        owned = list(_owned_by(uid, (yield List(kind, namespace))))
        if len(owned) > 1:
            names = ", ".join(str(one["metadata"]["name"]) for one in owned[:5])
            raise UsageError(f"The {owner.kind} {name} has several: {names}", fix=f"Say which: {kind.plural}/NAME")
        if owned:
            return kind, {**owned[0], "kind": kind.kind}
    why = "its controller has made no Deployment, StatefulSet or Pod"
    raise NotFound(f"The {owner.kind} {name} has no workload yet", why=why, fix="Wait until it runs")


def _owned_by(uid: str, objects: Iterable[Object]) -> Iterable[Object]:
    for obj in objects:
        controller = adopting.controller_of(obj)
        if controller is not None and controller.get("uid") == uid:
            yield obj


def _container(workload: Object, ref: Ref, name: str) -> str:
    names = [str(one["name"]) for one in adopting.pod_spec(workload).get("containers") or ()]
    if name not in names:
        raise UsageError(f"{ref.text} has no container “{name[:63]}”", fix=f"It has {', '.join(names)}")
    return name
