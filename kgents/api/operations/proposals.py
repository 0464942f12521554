"""Proposals: to ask for a change, to see what it would change, and to decide."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from typing import Any

from kgents.api import duration, names, rows
from kgents.api.adopting import KINDS, OF_THE_WORKLOAD, Ref, container_of, ref_of
from kgents.api.errors import KgentsError, NotFound, Refused, UsageError
from kgents.api.governance import changes, risk
from kgents.api.governance.changes import ABSENT
from kgents.api.governance.risk import Subject
from kgents.api.kinds import AGENT, API_VERSION, PROPOSAL, Kind
from kgents.api.operations.requests import Call, Create, Discover, Get, Object, Operation, Patch, Request, Row, WhoAmI

TRIAL = "kgents-trial"
_SHORT = {"apply": "Apply", "merge": "Merge", "json": "Json"}


def define(call: Call) -> Operation:
    """`kgents propose`. With `dryRun` nothing is made: the answer is what would change, and its base risk."""
    given = call.arguments
    target = read_target(str(given["target"]), given.get("targetVersion"))
    if target["kind"] == "Secret":
        raise Refused("a Secret is never the target of a proposal", fix="Change it yourself, or ask who administers it")
    if given.get("ttl") and duration.parse(str(given["ttl"])) <= 0:
        raise UsageError("--ttl must be longer than nothing", why=f"got {given['ttl']}")
    if bool(given.get("delete")) == ("patch" in given):
        raise UsageError("a proposal is either a patch or a deletion", fix="Give --patch (or --set …) or --delete")
    if "patch" in given:
        _check_content(_patch_type(given), given["patch"])
    target, given = yield from _of_body(target, given, call.namespace)
    if given.get("dryRun"):
        return (yield from _tried(Call(call.bindings, given, call.namespace, call.now), target))
    if not str(given["reason"]).strip():
        raise UsageError("a proposal says why", why="its reason is empty", fix="Give --reason")
    spec: Object = {"target": target, "reason": given["reason"], "proposer": (yield WhoAmI())}
    if given.get("delete"):
        spec["delete"] = True
    else:
        spec["patch"] = {"type": _patch_type(given), "content": given["patch"]}
    spec |= {key: given[key] for key in ("ttl", "via", "causedBy") if given.get(key)}
    name = given.get("name") or names.child_name(names.suggest(target["name"]), os.urandom(3).hex()[:5])
    body = {"apiVersion": API_VERSION, "kind": PROPOSAL.kind, "metadata": {"name": name}, "spec": spec}
    made = yield Create(PROPOSAL, body, call.namespace)
    return [rows.proposal_row(made, call.now)]


def _of_body(
    target: Object, given: Mapping[str, Any], namespace: str
) -> Generator[Request, Any, tuple[Object, Mapping[str, Any]]]:
    """Of an agent that adopts a workload, what its pods are is the workload's: that is what is to be changed."""
    patch = given.get("patch")
    spec = patch.get("spec") if isinstance(patch, Mapping) else None
    theirs = {} if not isinstance(spec, Mapping) else {key: spec[key] for key in spec if key in OF_THE_WORKLOAD}
    if (target["apiVersion"], target["kind"]) != (API_VERSION, AGENT.kind) or not theirs:
        return target, given
    try:
        ref = ref_of((yield Get(AGENT, target["name"], namespace)))
    except (NotFound, Refused):
        return target, given  # the operators look at it
    if ref is None:
        return target, given
    if len(theirs) < len(spec or {}) or set(patch or ()) - {"apiVersion", "kind", "spec"}:
        why = f"{', '.join(sorted(theirs))} are {ref.text}'s, which {target['name']} has adopted"
        raise UsageError("These are changes of two objects", why=why, fix="Propose each by itself")
    named = {"apiVersion": KINDS[ref.kind].api_version, "kind": ref.kind, "name": ref.name}
    content = {"spec": (yield from _as_workload(ref, theirs, given, namespace))}
    return named, {**given, "patch": content}


def _as_workload(ref: Ref, theirs: Object, given: Mapping[str, Any], namespace: str) -> Generator[Request, Any, Object]:
    """An agent's fields where they stand in a workload: those of its container in its pods' template."""
    made: Object = {"replicas": theirs["replicas"]} if "replicas" in theirs else {}
    own = {key: value for key, value in theirs.items() if key != "replicas"}
    if not own:
        return made
    if own.keys() & {"template", "entrypoint"} or _patch_type(given) != "Apply":
        fix = f"Propose it of the workload itself: kgents propose {ref.text.lower()} --patch …"
        raise UsageError(f"{', '.join(sorted(own))} cannot be put into {ref.text} by itself", fix=fix)
    container = container_of((yield Get(KINDS[ref.kind], ref.name, namespace)), ref)
    return {**made, "template": {"spec": {"containers": [{"name": container, **own}]}}}


def read_target(text: str, version: str | None = None) -> Object:
    """`bot` (an agent) or `kind/name`. Raises UsageError for what is neither."""
    kind, slash, name = text.partition("/")
    if not slash:
        kind, name = AGENT.kind, text
    if not kind.isalnum() or not names.is_object_name(name):
        raise UsageError(f"“{text[:80]}” is no target", why="a target is an agent's name, or kind/name")
    known = {
        "deployment": ("apps/v1", "Deployment"), "deploy": ("apps/v1", "Deployment"), "agent": (API_VERSION, "Agent"),
        "statefulset": ("apps/v1", "StatefulSet"), "configmap": ("v1", "ConfigMap"), "cm": ("v1", "ConfigMap"),
        "memory": (API_VERSION, "Memory"), "umwelt": (API_VERSION, "Umwelt"), "service": ("v1", "Service"),
        "job": ("batch/v1", "Job"), "cronjob": ("batch/v1", "CronJob"), "secret": ("v1", "Secret"),
    }  # fmt: skip
    api_version, proper = known.get(kind.lower(), (API_VERSION, kind))
    return {"apiVersion": version or api_version, "kind": proper, "name": name}


def _patch_type(given: Mapping[str, Any]) -> str:
    asked = str(given.get("patchType") or "apply").lower()
    if asked not in _SHORT:
        raise UsageError(f"there is no patch type “{asked[:40]}”", why="there are apply, merge and json")
    return _SHORT[asked]


def _check_content(type: str, content: Any) -> None:
    if type == "Json" and not isinstance(content, list):
        raise UsageError("a patch of type json is a list of operations", fix="Or say --type merge")
    if type != "Json" and not isinstance(content, Mapping):
        fix = "For a list of operations say --type json"
        raise UsageError(f"a patch of type {type.lower()} is a partial object", fix=fix)


def _tried(call: Call, target: Object) -> Operation:
    """What the API server's own dry run says, asked as the caller himself."""
    kind: Kind = yield Discover(target["apiVersion"], target["kind"])
    namespace = call.namespace if kind.namespaced else ""
    try:
        before = yield Get(kind, target["name"], namespace)
    except NotFound:
        before = ABSENT
    after: Any = ABSENT
    if not call.arguments.get("delete"):
        type = _patch_type(call.arguments).lower()
        content = call.arguments["patch"]
        # By a manager of its own: what others apply, the caller among them, is not taken back by leaving it out.
        trial = Patch(kind, target["name"], content, namespace, type=type, dry_run=True, manager=TRIAL)  # type: ignore[arg-type]
        after = yield trial
    found = changes.between(before, after)
    group = kind.api_version.rpartition("/")[0]
    scored = risk.score(Subject(group, kind.kind, namespace), found)
    return [
        {
            "target": f"{kind.kind}/{target['name']}",
            "diff": list(changes.render(found)),
            "risk": scored.total,
            "level": scored.level,
            "reasons": [term.reason for term in scored.terms],
        }
    ]


def diff(call: Call) -> Operation:
    """What a proposal would change, as the operator's last dry run saw it, and the digest that an approval names."""
    proposal = yield from _find(call)
    status = proposal.get("status") or {}
    text = str(status.get("diff") or "")
    scored = status.get("risk") or {}
    return [
        {
            **rows.proposal_row(proposal, call.now),
            "diff": text.splitlines(),
            "reasons": list(scored.get("reasons") or ()),
            "evidence": [f"{one.get('source')}: {one.get('message')}" for one in status.get("evidence") or ()],
        }
    ]


def approve(call: Call) -> Operation:
    """Names the diff as it is now, or `digest`: the one that was shown."""
    proposal = yield from _find(call)
    seen = call.arguments.get("digest") or (proposal.get("status") or {}).get("diffDigest")
    if not seen:
        phase = rows.proposal_row(proposal, call.now)["phase"]
        raise KgentsError(f"{_name(call)} cannot be approved yet", why=f"it is {phase}: there is no diff to look at")
    return (yield from _decide(call, {"approved": True, "diffDigest": seen}))


def reject(call: Call) -> Operation:
    yield from _find(call)
    return (yield from _decide(call, {"approved": False}))


def rollback(call: Call) -> Operation:
    proposal = yield from _find(call)
    decision = (proposal["spec"].get("decision") or {}) | {"rollback": True}
    return (yield from _decide(call, decision))


def _decide(call: Call, decision: Object) -> Operation:
    decision = {**decision, "by": (yield WhoAmI())}
    if reason := str(call.arguments.get("reason") or "").strip():
        decision["reason"] = reason
    patch = {"spec": {"decision": decision}}
    changed = yield Patch(PROPOSAL, _name(call), patch, call.namespace)
    return [rows.proposal_row(changed, call.now)]


def _find(call: Call) -> Generator[Request, Any, Object]:
    try:
        found = yield Get(PROPOSAL, _name(call), call.namespace)
    except NotFound as error:
        raise names.missing("proposal", _name(call), call.namespace) from error
    return dict(found)


def _name(call: Call) -> str:
    return str(call.bindings["proposal"])


def refuse_without_reason(row: Row, reason: str) -> None:
    """Before anything is asked of the API: what is Blocked is lifted with a written reason only."""
    if row.get("phase") == "Blocked" and not reason.strip():
        raise Refused(f"{row['name']} is Blocked", why="lifting that takes a written reason", fix="Give --reason")
