"""Why something is as it is: the tree of its causes, as far back as anybody has written them down.

Causes evaporate, so each carries a snapshot of what mattered; where the cause is still there, its own causes follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kgents.api import adopting, conditions, rows
from kgents.api.errors import NotFound, Refused, UsageError
from kgents.api.kinds import AGENT, PHEROMONE, PROPOSAL
from kgents.api.operations.requests import Call, Get, List, Object, Operation, Row
from kgents.api.wording import cause_text, change_text

DEPTH = 8
NODES = 200
"""So many causes are shown in one tree."""
CHANGES_SHOWN = 5
Node = dict[str, Any]
"""{"text", "children": [Node]}."""


def explain(call: Call) -> Operation:
    """One row: {"kind", "name", "namespace", "summary", "tree": [Node]} for an agent or a proposal.

    `kind/name` says which; where a bare name fits both, that is a UsageError that lists the readings.
    """
    kind, name = _asked(str(call.bindings["name"]))
    found: dict[str, Object] = {}
    for candidate in (AGENT, PROPOSAL):
        if kind in ("", candidate.kind.lower()):
            try:
                found[candidate.kind] = yield Get(candidate, name, call.namespace)
            except NotFound:
                continue
    if not found:
        raise NotFound(
            f"There is no agent and no proposal “{name[:60]}” in {call.namespace}",
            fix="See which there are: kgents status, kgents proposals",
        )
    if len(found) > 1:
        raise UsageError(f"“{name}” is an agent and a proposal", fix=f"Say kgents why agent/{name} or proposal/{name}")
    signals = yield from _signals(call)
    proposals = yield List(PROPOSAL, call.namespace)
    known = Known([*signals, *proposals])
    [(what, obj)] = found.items()
    if what == PROPOSAL.kind:
        return [_row(obj, PROPOSAL.kind, _outcome(obj), _of_proposal(obj, known))]
    return [_row(obj, AGENT.kind, _state(obj, call.now), list(_of_agent(obj, proposals, known)))]


def lines(tree: Iterable[Node], prefix: str = "") -> Iterator[str]:
    """The tree as text, one line for each node, drawn with box characters."""
    nodes = list(tree)
    for place, node in enumerate(nodes):
        last = place == len(nodes) - 1
        yield f"{prefix}{'└─' if last else '├─'} {node['text']}"
        yield from lines(node["children"], prefix + ("   " if last else "│  "))


def _asked(text: str) -> tuple[str, str]:
    kind, slash, name = text.partition("/")
    if not slash:
        return "", text
    short = {"ag": "agent", "agents": "agent", "prop": "proposal", "proposals": "proposal"}
    kind = short.get(kind.lower(), kind.lower())
    if kind not in ("agent", "proposal"):
        raise UsageError(f"“{text[:80]}” is no agent and no proposal", fix="Say agent/NAME or proposal/NAME")
    return kind, name


class Known:
    """What is there that may be a cause, by uid; and how many nodes a tree may still grow, for causes may branch."""

    def __init__(self, objects: Iterable[Object]) -> None:
        self.by_uid = {str(one["metadata"].get("uid")): one for one in objects}
        self.left = NODES


def _signals(call: Call) -> Any:
    """The signals; none for who may not see them."""
    try:
        return (yield List(PHEROMONE, call.namespace))
    except Refused:
        return []


def _row(obj: Object, kind: str, summary: str, tree: list[Node]) -> Row:
    metadata = obj["metadata"]
    return {
        "kind": kind,
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "summary": summary,
        "tree": tree,
    }


def _node(text: str, children: Iterable[Node] = ()) -> Node:
    return {"text": text, "children": list(children)}


def _of_agent(agent: Object, proposals: Iterable[Object], known: Known) -> Iterator[Node]:
    name, namespace = agent["metadata"]["name"], agent["metadata"]["namespace"]
    for condition in (agent.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "Ready" and condition.get("status") != "True":
            yield _node(f"not ready: {condition.get('message') or condition.get('reason')}")
        if condition.get("type") == "Adopted" and condition.get("status") == "True":
            yield _node(f"it is adopted: {condition.get('message')}")
    for reaction in (agent.get("status") or {}).get("reactions") or ():
        yield _node(_reaction(reaction))
    ref = adopting.ref_of(agent)
    bodies = [(AGENT.kind, name), *([(ref.kind, ref.name)] if ref else ())]
    about = [one for one in proposals if _is_about(one, bodies, namespace) and _phase(one) in ("Merged", "RolledBack")]
    about.sort(key=lambda one: str((one.get("status") or {}).get("mergedAt") or ""), reverse=True)
    for one in about[:CHANGES_SHOWN]:
        yield _change(one, known)
    if len(about) > CHANGES_SHOWN:
        yield _node(f"… {len(about) - CHANGES_SHOWN} earlier changes: kgents audit")
    written = _last_written(agent)
    if written:
        yield _node(written)


def _change(proposal: Object, known: Known) -> Node:
    status = proposal.get("status") or {}
    decided = f"approved by {status['decidedBy']}" if status.get("decidedBy") else "by itself"
    risk = float((status.get("risk") or {}).get("total") or 0.0)
    change = change_text(str(status.get("diff") or "")) or "a change"
    text = f"{change} ← proposal {proposal['metadata']['name']}, {decided}, risk {risk:.2f}"
    if _phase(proposal) == "RolledBack":
        text += f" — taken back: {_settled(proposal)}"
    causes = list(_causes(proposal, known))
    while len(causes) == 1:  # one cause after another reads as one line
        text, causes = f"{text} ← {causes[0]['text']}", causes[0]["children"]
    reason = _node(f"“{proposal['spec'].get('reason')}” says {proposal['spec'].get('proposer')}")
    return _node(text, [*causes, reason])


def _of_proposal(proposal: Object, known: Known) -> list[Node]:
    status, spec = proposal.get("status") or {}, proposal["spec"]
    risk = status.get("risk") or {}
    tree = [_node(f"asked by {spec.get('proposer')}: “{spec.get('reason')}”", _causes(proposal, known))]
    diff = str(status.get("diff") or "").splitlines()
    if diff:
        done = _phase(proposal) in ("Merged", "RolledBack")
        tree.append(_node("it changed" if done else "it would change", map(_node, diff)))
    if risk:
        total, level = float(risk.get("total") or 0.0), risk.get("level")
        tree.append(_node(f"risk {total:.2f} ({level})", map(_node, risk.get("reasons") or ())))
    spoke = [f"{one.get('source')}: {one.get('message')}" for one in status.get("evidence") or ()]
    others = [text for text in spoke if not text.startswith("risk: ")]
    if others:
        tree.append(_node("the rules that spoke", map(_node, others)))
    for type in ("ApprovalLapsed", "Merging", "Baked", "RollbackRefused"):
        condition = conditions.find(proposal, type)
        # An approved one that is not being merged says what it waits for.
        waits = type == "Merging" and _phase(proposal) == "Approved"
        if condition is not None and condition.get("message") and (waits or condition.get("status") == "True"):
            tree.append(_node(str(condition["message"])))
    return tree


def _causes(obj: Object, known: Known, above: tuple[str, ...] = ()) -> Iterator[Node]:
    """The causes of `obj`, each with its own. Circles, and what is beyond DEPTH or NODES, end where they are."""
    above = (*above, str(obj["metadata"].get("uid")))
    for cause in obj["spec"].get("causedBy") or ():
        if known.left <= 0:
            return
        known.left -= 1
        uid = str(cause.get("uid") or "")
        source = known.by_uid.get(uid)
        deeper = source is not None and uid not in above and len(above) <= DEPTH
        yield _node(_told(cause, source), _causes(source, known, above) if source is not None and deeper else ())


def _told(cause: Mapping[str, Any], source: Object | None) -> str:
    """The cause by its snapshot; what it says and who said it, where it is still there."""
    text = cause_text(cause)
    if source is None:
        gone = cause.get("object") and not cause.get("snapshot")
        return f"{text} (nothing more is known of it)" if gone else text
    spec = source["spec"]
    if "type" not in spec:
        return f"proposal {source['metadata']['name']} ({_phase(source)}): “{spec.get('reason')}”"
    if not (cause.get("snapshot") or {}).get("type"):
        text = f"{spec.get('type')} {text}"
    said = f": {spec['payload']}" if spec.get("payload") else ""
    return f"{text} from {spec.get('source') or 'somebody'}{said}"


def _reaction(reaction: Mapping[str, Any]) -> str:
    state = "is active" if reaction.get("active") else "is quiet"
    strength = reaction.get("intensity", reaction.get("strength"))
    return f"its reaction to {reaction.get('type')} {state}" + (f" ({strength})" if strength is not None else "")


def _last_written(agent: Object) -> str:
    entries = [one for one in agent["metadata"].get("managedFields") or () if not one.get("subresource")]
    if not entries:
        return f"made {agent['metadata'].get('creationTimestamp')}"
    last = max(entries, key=lambda one: str(one.get("time") or ""))
    return f"its spec was last written by {last.get('manager')} at {last.get('time')}"


def _state(agent: Object, now: float) -> str:
    row = rows.agent_row(agent, now)
    ready = conditions.find(agent, "Ready") or {}
    why = f": {ready['message']}" if ready.get("message") else ""
    return f"{row['phase']}{why}"


def _outcome(proposal: Object) -> str:
    settled = _settled(proposal)
    return f"{_phase(proposal)}: {settled}" if settled else _phase(proposal)


def _settled(proposal: Object) -> str:
    return str((conditions.find(proposal, "Settled") or {}).get("message") or "")


def _phase(proposal: Object) -> str:
    return str((proposal.get("status") or {}).get("phase") or "Pending")


def _is_about(proposal: Object, bodies: list[tuple[str, str]], namespace: str) -> bool:
    target = proposal["spec"].get("target") or {}
    where = target.get("namespace") or proposal["metadata"]["namespace"]
    return where == namespace and (target.get("kind"), target.get("name")) in bodies
