"""The path registry: every operation of kgents, once. The CLI, Cortex, `kgents paths` and the docs read this table.

A path is `context.entity[.name].aspect`. Segments in angle brackets are names; the last segment is always the aspect,
so an agent may be called `manifest`. Nobody else takes paths apart: `resolve` decides what one means, and where two
patterns fit, that is an error which lists both readings, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kgents.api.entries import Argument, Entry
from kgents.api.errors import NotFound, UsageError

CONTEXTS = ("world", "self", "concept", "void", "time")


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a path means: the operation, and the names found in the path."""

    entry: Entry
    bindings: dict[str, str]


_SIGNAL_ARGUMENTS = (
    Argument("type", "text", "the type of the signal, such as WARNING", required=True),
    Argument("payload", "text", "what it says"),
    Argument("source", "text", "who says it"),
    Argument("target", "text", "the agent that it is meant for"),
    Argument("intensity", "number", "how strong it starts, from 0 to 1"),
    Argument("halfLife", "duration", "the time in which it loses half its strength, such as 5m"),
    Argument("claimable", "boolean", "whether it is work that one agent takes"),
    Argument("causedBy", "list", "what led to it"),
)

_SENSE_ARGUMENTS = (
    Argument("type", "text", "only signals of this type", repeated=True),
    Argument("minIntensity", "number", "only signals at least this strong now"),
    Argument("target", "text", "only signals that are meant for this agent, and for nobody else"),
    Argument("as", "text", "only what this agent senses: meant for it or for all, of a type that its umwelt lets in"),
    Argument("limit", "integer", "at most so many, the strongest first"),
)

_REASON = Argument("reason", "text", "why")
_DECISION_ARGUMENTS = (_REASON, Argument("digest", "text", "the digest of the diff that was seen"))
_CHANGE_ARGUMENTS = (
    Argument("target", "text", "an agent's name, or kind/name", required=True),
    Argument("reason", "text", "why, for whoever reviews it", required=True),
    Argument("patch", "any", "the change: a partial object, or JSON patch operations"),
    Argument("patchType", "text", "apply, merge or json"),
    Argument("delete", "boolean", "delete the target instead"),
    Argument("name", "text", "the proposal's own name"),
    Argument("targetVersion", "text", "the API version of the target's kind"),
    Argument("ttl", "duration", "how long it waits for a decision, such as 24h"),
    Argument("via", "text", "the connector that passes it on"),
    Argument("causedBy", "list", "what led to it"),
    Argument("dryRun", "boolean", "only say what would change"),
)

_LOG_ARGUMENTS = (
    Argument("follow", "boolean", "keep printing what is written"),
    Argument("tail", "integer", "only so many of the last lines"),
)

REGISTRY: tuple[Entry, ...] = (
    Entry(
        "agents.list",
        "world.cluster.agents.manifest",
        "list agents",
        "kgents status",
        many=True,
        ghost="agents/_index.json",
        kubectl="get agents.kgents.io",
    ),
    Entry(
        "agents.get",
        "world.cluster.agents.<agent>.manifest",
        "show one agent",
        "kgents status AGENT",
        ghost="agents/<namespace>/<agent>.json",
        kubectl="get agents.kgents.io <agent>",
    ),
    Entry(
        "agents.define",
        "world.cluster.agents.<agent>.define",
        "make an agent, or change it",
        "kgents run NAME -- COMMAND",
        (
            Argument("spec", "object", "the agent's spec", required=True),
            Argument("labels", "object", "its labels"),
            Argument("annotations", "object", "its annotations"),
        ),
        write=True,
        kubectl="apply --server-side -f -",
    ),
    Entry(
        "agents.adopt",
        "world.cluster.agents.<agent>.adopt",
        "make an agent of a workload that is there, and change nothing of it",
        "kgents adopt KIND/NAME",
        (
            Argument(
                "workload", "text", "deploy/NAME, statefulset/NAME, agent.kagent.dev/NAME, sandbox/NAME", required=True
            ),
            Argument("container", "text", "the container whose log is read"),
            Argument("genus", "text", "a label for people and policies"),
            Argument("signals", "list", "the log lines that become signals"),
            Argument("reactions", "list", "what it is told when signals grow strong"),
            Argument("ports", "list", "the ports that it listens on"),
        ),
        write=True,
        kubectl="create -f -",
    ),
    Entry(
        "agents.release",
        "world.cluster.agents.<agent>.release",
        "let an adopted workload go: it runs on, and nothing of kgents is left on it",
        "kgents release AGENT",
        write=True,
        kubectl="delete agents.kgents.io <agent> --wait=false",
    ),
    Entry(
        "agents.suspend",
        "world.cluster.agents.<agent>.suspend",
        "pause an agent: no writes and no pods until it is resumed",
        "kgents pause AGENT",
        (_REASON,),
        write=True,
        kubectl="patch agents.kgents.io <agent> --type merge --patch {spec: {suspend: true}}",
    ),
    Entry(
        "agents.resume",
        "world.cluster.agents.<agent>.resume",
        "let a paused agent run again",
        "kgents resume AGENT",
        write=True,
        kubectl="patch agents.kgents.io <agent> --type merge --patch {spec: {suspend: false}}",
    ),
    Entry(
        "agents.terminate",
        "world.cluster.agents.<agent>.terminate",
        "delete an agent and all that it owns",
        "kgents delete AGENT",
        write=True,
        kubectl="delete agents.kgents.io <agent> --wait=false",
    ),
    Entry(
        "agents.witness",
        "world.cluster.agents.<agent>.witness",
        "read an agent's log",
        "kgents logs AGENT",
        _LOG_ARGUMENTS,
        many=True,
        kubectl="logs --selector kgents.io/agent=<agent>",
    ),
    Entry(
        "agents.tether",
        "world.cluster.agents.<agent>.tether",
        "an agent's ports on this machine, its log and its signals, until it is let go",
        "kgents tether AGENT [PORT…]",
    ),
    Entry(
        "cluster.apply",
        "world.cluster.apply",
        "apply objects as they are written",
        "kgents apply -f FILE",
        (Argument("objects", "list", "the objects, as Kubernetes writes them", required=True),),
        write=True,
        many=True,
        kubectl="apply --server-side -f -",
    ),
    Entry(
        "cluster.manifest",
        "world.cluster.manifest",
        "the health of the hive",
        "kgents infra status",
        ghost="cluster/status.json",
        kubectl="get --raw /readyz",
    ),
    Entry(
        "cluster.brakes",
        "world.cluster.brakes",
        "whether the hive is frozen, and which agents are paused",
        "kgents infra status",
        kubectl="get configmap kgents-freeze -n kgents-system",
    ),
    Entry(
        "cluster.freeze",
        "world.cluster.freeze",
        "refuse every agent's writes and every merge, at once",
        "kgents freeze",
        (_REASON,),
        write=True,
        kubectl='patch configmap kgents-freeze -n kgents-system --type merge --patch {data: {frozen: "true"}}',
    ),
    Entry(
        "cluster.thaw",
        "world.cluster.thaw",
        "let agents write again, and merge what waits",
        "kgents thaw",
        write=True,
        kubectl="patch configmap kgents-freeze -n kgents-system --type merge --patch {data: {frozen: null}}",
    ),
    Entry(
        "cluster.stream",
        "world.cluster.stream",
        "all that is there and all that happens, as it happens: agents, signals, proposals, facts and logs",
        "kgents terrarium",
        (Argument("logs", "boolean", "the agents' own words too, of 64 agents at most"),),
        many=True,
    ),
    Entry(
        "objects.get",
        "world.cluster.objects.<kind>.<name>.manifest",
        "show one object as Kubernetes keeps it; the kind is a plural, such as proposals",
        "kgents terrarium",
        kubectl="get <kind>.kgents.io <name>",
    ),
    Entry(
        "pheromones.sense",
        "void.pheromone.sense",
        "list signals, the strongest now first",
        "kgents observe",
        _SENSE_ARGUMENTS,
        many=True,
        ghost="pheromones/active.json",
        kubectl="get pheromones.kgents.io",
    ),
    Entry(
        "pheromones.emit",
        "void.pheromone.emit",
        "emit a signal that fades by itself",
        "kgents signal emit TYPE",
        _SIGNAL_ARGUMENTS,
        write=True,
        kubectl="create -f -",
    ),
    Entry(
        "proposals.list",
        "self.deployment.manifest",
        "list proposals",
        "kgents proposals",
        (Argument("phase", "text", "only those in this phase", repeated=True),),
        many=True,
        ghost="proposals/pending.json proposals/merged.json proposals/rejected.json",
        kubectl="get proposals.kgents.io",
    ),
    Entry(
        "proposals.get",
        "self.deployment.<proposal>.manifest",
        "show one proposal",
        "kgents proposals NAME",
        ghost="proposals/pending.json proposals/merged.json proposals/rejected.json",
        kubectl="get proposals.kgents.io <proposal>",
    ),
    Entry(
        "proposals.define",
        "self.deployment.define",
        "ask for a change",
        "kgents propose TARGET --reason WHY",
        _CHANGE_ARGUMENTS,
        write=True,
        kubectl="create -f -",
    ),
    Entry(
        "proposals.diff",
        "self.deployment.<proposal>.diff",
        "show what a proposal would change",
        "kgents diff PROPOSAL",
        kubectl="get proposals.kgents.io <proposal>",
    ),
    Entry(
        "proposals.approve",
        "self.deployment.<proposal>.approve",
        "approve a proposal, by the digest of its diff",
        "kgents approve PROPOSAL",
        _DECISION_ARGUMENTS,
        write=True,
        kubectl="patch proposals.kgents.io <proposal> --type merge --patch -",
    ),
    Entry(
        "proposals.reject",
        "self.deployment.<proposal>.reject",
        "reject a proposal",
        "kgents reject PROPOSAL --reason WHY",
        (_REASON,),
        write=True,
        kubectl="patch proposals.kgents.io <proposal> --type merge --patch -",
    ),
    Entry(
        "proposals.rollback",
        "self.deployment.<proposal>.rollback",
        "take a merged change back",
        "kgents rollback PROPOSAL",
        (_REASON,),
        write=True,
        kubectl="patch proposals.kgents.io <proposal> --type merge --patch -",
    ),
    Entry(
        "witness.explain",
        "time.witness.<name>.explain",
        "why an agent or a proposal is as it is",
        "kgents why NAME",
        kubectl="get agents.kgents.io,proposals.kgents.io",
    ),
    Entry(
        "witness.audit",
        "time.witness.audit",
        "every decided change: who asked, who decided, on what evidence",
        "kgents audit",
        (Argument("since", "text", "only later ones, an RFC 3339 time"),),
        many=True,
        kubectl="get proposals.kgents.io",
    ),
    Entry(
        "witness.verify",
        "time.witness.verify",
        "whether the audit chain holds",
        "kgents audit --verify",
        kubectl="get proposals.kgents.io --all-namespaces",
    ),
    Entry(
        "memory.manifest",
        "self.memory.manifest",
        "the last known state, as it lies on this disk",
        "kgents ghost show",
        many=True,
        ghost="_meta/stability_score.json",
    ),
    Entry(
        "witness.stream",
        "time.witness.stream",
        "what happens in the hive, as it happens",
        "kgents status --watch",
        many=True,
    ),
)

_BY_ID = {entry.id: entry for entry in REGISTRY}


def entry(id: str) -> Entry:
    """The operation of that id. Raises KeyError: ids are written in code, not by people."""
    return _BY_ID[id]


def path_of(id: str, **bindings: str) -> str:
    """The path of an operation, with its names filled in."""
    return _BY_ID[id].path(**bindings)


def resolve(path: str, registry: Iterable[Entry] = REGISTRY) -> Resolution:
    """What `path` means. Raises NotFound when nothing fits, UsageError when it is no path or has several readings."""
    segments = tuple(path.strip().split("."))
    if len(segments) < 2 or not all(segments):
        raise UsageError(
            f"{path!r} is not a path", why="a path is context.entity[.name].aspect", fix="Try kgents paths"
        )
    found = [(one, bound) for one in registry if (bound := one.match(segments)) is not None]
    if not found:
        raise NotFound(f"no operation at {path}", why=_nearest(segments, registry), fix="kgents paths lists them all")
    if len(found) > 1:
        readings = "; ".join(f"{one.pattern} ({one.description}: {one.command})" for one, _ in found)
        raise UsageError(f"{path} has {len(found)} readings", why=readings, fix="Use the command of the one you mean")
    return Resolution(*found[0])


def _nearest(segments: tuple[str, ...], registry: Iterable[Entry]) -> str:
    if segments[0] not in CONTEXTS:
        return f"a path starts with one of {', '.join(CONTEXTS)}"
    entries = list(registry)
    longer = [one.pattern for one in entries if one.match((*segments, one.aspect)) is not None]
    if longer:
        return f"the last part is what to do; it could be {' or '.join(longer)}"
    aspects = [one.aspect for one in entries if one.match((*segments[:-1], one.aspect)) is not None]
    if aspects:
        return f"what can be done there: {', '.join(sorted(set(aspects)))}"
    return "nothing fits it"
