"""A hive that stands still, for what is shown of one: fixed objects, a fixed clock, every layer's answers.

Reads are the real operations over those objects. What a test changes in `objects` is heard by who watches.
"""

from __future__ import annotations

import copy
import itertools
import queue
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from kgents.api import paths, redact, rows, times
from kgents.api.errors import KgentsError, NotFound, Refused, Unreachable
from kgents.api.kinds import AGENT, PHEROMONE, PROPOSAL
from kgents.api.operations.requests import Call, Create, Delete, Discover, Get, List, Note, Patch, Request, WhoAmI
from kgents.embedded.patch import merge_patch
from kgents.glass import operations
from kgents.glass.answer import Answer, Source, dump
from kgents.glass.ending import Ending
from tests.support import example_hive
from tests.support.example_hive import NAMESPACE, NOW, Object, Objects

if TYPE_CHECKING:
    from kgents.glass.stream import Heard

State = Literal["live", "ghost", "kubectl", "empty", "one", "many", "error"]
Pause = Callable[[float], bool]
CONTEXT = "kgents-laptop"
GHOST_AGE = 42.0
LEAVE = "Leave ghost mode with g"
MANY = 10_000
TRIED = (("Cortex", "it does not run"), ("kubectl", "connection refused"))
LINES = ("INFO ready in 0.8 s", "took job 1181", "WARNING ledger-3 answers slowly", "ERROR could not reach ledger-3",
         "took job 1182 (47 items left)", "Processing invoice batch (47 items)")  # fmt: skip
REMEMBERED = ("b-gent",)
"""Agents of which the ghost holds more than their row: somebody has looked at them."""
_TICK = 0.02


@dataclass
class FixedWorld:
    """Implements `kgents.terrarium.world.World`. Tests may set `objects`, `state` and `now`, and look at `writes`."""

    state: State = "live"
    namespace: str = ""
    context: str = CONTEXT
    ghost_only: bool = False
    now: float = NOW
    objects: Objects = field(default_factory=dict)
    writes: list[tuple[str, str, dict[str, Any], dict[str, str]]] = field(default_factory=list)
    """(id, namespace, arguments, names) of every write, in order."""
    fails: dict[str, KgentsError] = field(default_factory=dict)
    """By operation id: what is raised instead of an answer."""
    frozen: dict[str, str] | None = None
    lines: dict[str, queue.SimpleQueue[str | KgentsError]] = field(
        default_factory=lambda: defaultdict(queue.SimpleQueue)
    )
    """What agents write while somebody follows, by name."""
    extra: queue.SimpleQueue[Heard] = field(default_factory=queue.SimpleQueue)
    """What else the stream tells."""

    def __post_init__(self) -> None:
        if self.ghost_only:
            self.state = "ghost"
        if self.objects or self.state in ("empty", "error"):
            return
        self.objects = example_hive.many(MANY) if self.state == "many" else example_hive.objects()
        if self.state == "one":
            self.objects = {key: one for key, one in self.objects.items() if key[0] == "agents" and key[2] == "b-gent"}

    def clock(self) -> float:
        return self.now

    @property
    def source(self) -> Source:
        match self.state:
            case "ghost":
                return Source("ghost", GHOST_AGE, "fresh")
            case "kubectl":
                return Source("kubectl")
        return Source("cortex", 0.002)

    def say(self, agent: str, line: str) -> None:
        """The agent writes a line."""
        self.lines[agent].put(line)

    def change(self, plural: str, name: str, namespace: str = NAMESPACE, **status: Any) -> None:
        """Fields of an object's status become those."""
        changed = copy.deepcopy(self.objects[plural, namespace, name])
        changed.setdefault("status", {}).update(status)
        self.objects = {**self.objects, (plural, namespace, name): changed}

    def remove(self, plural: str, name: str, namespace: str = NAMESPACE) -> None:
        """It is there no longer."""
        self.objects = {key: one for key, one in self.objects.items() if key != (plural, namespace, name)}

    def stream(self, pause: Pause) -> Iterator[Heard]:
        """All there is, SYNCED, and then what changes until `pause` has had enough."""
        from kgents.glass.stream import Heard

        self._fail("stream")
        source = self.source
        if self.state == "ghost":
            yield Heard("LAYER", "", dump({"tried": [list(one) for one in TRIED]}), source)
        known: dict[tuple[str, str, str], bytes] = {}
        yield from self._differences(known)
        if source.layer == "cortex":
            yield from self._told(source)
        told, frozen = self.objects, self.frozen
        yield Heard("BRAKES", "", dump(frozen), source)
        yield Heard("SYNCED", "", b"", source)
        while not pause(_TICK):
            if self.objects is not told:
                told = self.objects
                yield from self._differences(known)
            if self.frozen is not frozen:
                frozen = self.frozen
                yield Heard("BRAKES", "", dump(frozen), source)
            while not self.extra.empty():
                yield self.extra.get()

    def heard(self) -> list[Heard]:
        """The stream up to its SYNCED, for a hive that is filled by hand."""
        told = self.stream(lambda _seconds: True)
        return list(told)

    def read(self, id: str, namespace: str, arguments: dict[str, Any] | None = None, **names: str) -> Answer:
        self._fail(id)
        entry = paths.entry(id)
        if self.state == "ghost" and not entry.ghost:
            raise Unreachable(
                "The ghost cannot answer that", why="nothing is remembered of this", fix="Leave it with g"
            )
        found = [dump(row) for row in self._run(id, Call(names, arguments or {}, namespace, self.now))]
        return Answer(entry.path(**names), self.source, found, entry.many, len(found), frozen=self.frozen)

    def write(self, id: str, namespace: str, arguments: dict[str, Any] | None = None, **names: str) -> Answer:
        if self.state == "ghost":
            raise Refused("The ghost cannot do that", why="it is a memory on this disk", fix=LEAVE)
        self._fail(id)
        entry = paths.entry(id)
        checked = entry.parse(arguments or {})
        self.writes.append((id, namespace, checked, names))
        found = [dump(row) for row in self._run(id, Call(names, checked, namespace, self.now))]
        return Answer(entry.path(**names), self.source, found, entry.many, len(found), frozen=self.frozen)

    def watch(self, id: str, namespace: str, ending: Ending, **names: str) -> Iterator[tuple[str, bytes, Source]]:
        """The rows of a read, and what becomes of them."""
        known: list[bytes] | None = None
        while True:
            try:
                found = self.read(id, namespace, None, **names).items
            except NotFound:
                if not known:
                    raise
                yield from (("DELETED", item, self.source) for item in known)
                found = []
            if found != known:
                yield from (("MODIFIED" if known else "ADDED", item, self.source) for item in found)
            if known is None:
                yield "SYNCED", b"", self.source
            known = found
            if ending.wait(_TICK) or not found:
                return

    def follow_logs(self, agent: str, namespace: str, tail: int, ending: Ending) -> Iterator[str]:
        """The last lines, and then what `say` says until it ends; a KgentsError among them is raised."""
        self._fail("agents.witness")
        if self.state == "ghost":
            raise Unreachable("Nothing live answers", why="the ghost keeps no logs", fix=LEAVE)
        if ("agents", namespace, agent) not in self.objects:
            raise NotFound(f"There is no agent “{agent}” in the namespace {namespace}")
        yield from LINES[-tail:] if tail else ()
        while not ending.ended:
            try:
                line = self.lines[agent].get(timeout=_TICK)
            except queue.Empty:
                continue
            if isinstance(line, KgentsError):
                raise line
            yield line

    def contexts(self) -> list[str]:
        return [CONTEXT, "kgents-lab"]

    def namespaces(self) -> list[str]:
        return sorted({namespace for plural, namespace, _ in self.objects if plural == "agents"})

    def elsewhere(self, context: str, namespace: str, *, ghost_only: bool = False) -> FixedWorld:
        state: State = "ghost" if ghost_only else "live" if self.state == "ghost" else self.state
        return replace(self, context=context, namespace=namespace, ghost_only=ghost_only, state=state)

    def _fail(self, id: str) -> None:
        if self.state == "error":
            why = "; ".join(f"{layer}: {why}" for layer, why in TRIED)
            raise Unreachable(f"Nothing answers for {self.context}", why=why, fix="Start it: kgents infra start")
        if id in self.fails:
            raise self.fails[id]

    def _run(self, id: str, call: Call) -> list[Object]:
        if id == "agents.get":  # Cortex has measured it
            name = call.bindings["agent"]
            found = self._send(Get(AGENT, name, call.namespace))
            remembered_whole = self.state != "ghost" or name in REMEMBERED
            make = rows.agent_detail if remembered_whole else rows.agent_row
            return [make(found, self.now, example_hive.activity(name))]
        if id in ("cluster.freeze", "cluster.thaw"):
            told = {"by": "you", "reason": str(call.arguments.get("reason") or ""), "since": times.to_text(self.now)}
            self.frozen = told if id == "cluster.freeze" else None
            return [{"frozen": self.frozen is not None, **told}]
        return operations.run(id, _Api(self._send), call)

    def _send(self, request: Request) -> Any:
        match request:
            case Get(kind, name, namespace):
                found = self.objects.get((kind.plural, namespace, name))
                if found is None:
                    raise NotFound(f"There is no {kind.kind} {name}")
                return copy.deepcopy(found)
            case List(kind, namespace):
                return [
                    copy.deepcopy(one)
                    for (plural, where, _), one in self.objects.items()
                    if plural == kind.plural and namespace in ("", where)
                ]
            case Create(kind, obj, namespace):
                metadata = {"creationTimestamp": times.to_text(self.now), "uid": f"new-{len(self.writes)}"}
                made = {**obj, "metadata": {"namespace": namespace, **metadata, **obj["metadata"]}}
                self.objects = {**self.objects, (kind.plural, namespace, made["metadata"]["name"]): made}
                return copy.deepcopy(made)
            case Patch(kind, name, content, namespace, type):
                before = self._send(Get(kind, name, namespace))
                patched = before if type == "json" else merge_patch.merge(before, content)
                if not request.dry_run:
                    self.objects = {**self.objects, (kind.plural, namespace, name): patched}
                return copy.deepcopy(patched)
            case Delete(kind, name, namespace):
                self._send(Get(kind, name, namespace))
                self.remove(kind.plural, name, namespace)
            case WhoAmI():
                return "you"
            case Discover(_, kind_name):
                named = {kind.kind: kind for kind in (AGENT, PHEROMONE, PROPOSAL)}
                return named[kind_name]
            case Note():
                return None
        return None

    def _differences(self, known: dict[tuple[str, str, str], bytes]) -> Iterator[Heard]:
        from kgents.glass.stream import Heard

        now = {key: dump(row) for key, row in self._rows()}
        for key in [key for key in known if key not in now]:
            yield Heard("DELETED", key[0], known.pop(key), self.source)
        for key, item in now.items():
            if known.get(key) != item:
                yield Heard("MODIFIED" if key in known else "ADDED", key[0], item, self.source)
                known[key] = item

    def _rows(self) -> Iterator[tuple[tuple[str, str, str], Object]]:
        """At NOW, whatever time it is: a row is told anew when its object changes, not when it grows older."""
        for nth, (key, one) in enumerate(list(self.objects.items())):
            if self.namespace not in ("", key[1]):
                continue
            if key[0] == "agents":
                measured = example_hive.activity(key[2], nth) if self.source.layer != "kubectl" else None
                yield key, rows.agent_row(one, NOW, measured)
            elif key[0] == "pheromones":
                yield key, rows.pheromone_row(one, NOW)
            elif key[0] == "proposals":
                yield key, redact.redact(rows.proposal_row(one, NOW))

    def _told(self, source: Source) -> Iterator[Heard]:
        """What only Cortex knows: activities, the journal and the logs."""
        from kgents.glass.stream import Heard

        agents = [(where, name) for plural, where, name in self.objects if plural == "agents"]
        for nth, (where, name) in enumerate(agents):
            values = example_hive.history(example_hive.activity(name, nth), nth)
            yield Heard("ADDED", "activity", dump({"namespace": where, "name": name, "values": values}), source)
        names = {name for _, _, name in self.objects}
        for ago, kind, name, fact in itertools.filterfalse(lambda one: one[2] not in names, example_hive.STORY):
            at = NOW - ago
            if kind == "logs":
                line = {
                    "namespace": NAMESPACE,
                    "agent": name,
                    "pod": f"{name}-0",
                    "at": times.to_micro_text(at),
                    **fact,
                }
                yield Heard("ADDED", "logs", dump(line), source)
            else:
                told = {"at": at, "kind": kind, "namespace": NAMESPACE, "name": name, **fact}
                yield Heard("ADDED", "witness", dump(told), source)


class _Api:
    """What the operations ask of the API server, here of the objects."""

    def __init__(self, send: Callable[[Request], Any]) -> None:
        self.send = send

    def ready(self) -> None:
        """It always is."""

    def logs(
        self, agent: str, namespace: str, *, tail: int | None, follow: bool, ending: Ending | None = None
    ) -> Iterator[str]:
        yield from LINES[-(tail or 0) :]
