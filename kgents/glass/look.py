"""One question, three layers: the only way in which commands reach a hive.

    reads     Cortex → ghost, if fresh → kubectl → ghost of any age, loudly dated
    writes    Cortex → kubectl; never the ghost, whose rows of that kind are stale from then on

When nothing answers, the error says what was tried, why each failed, and the one command that helps.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from kgents.api import paths
from kgents.api.entries import Entry
from kgents.api.errors import KgentsError, NotFound, Refused, Unreachable, UsageError
from kgents.api.operations.requests import Call
from kgents.api.redact import redact
from kgents.api.sensing import wish
from kgents.glass import brakes, operations, staleness
from kgents.glass.answer import Answer, NextLayer, Source, dump
from kgents.glass.changes import Known
from kgents.glass.context import Target
from kgents.glass.cortex import Cortex, Outcome
from kgents.glass.ending import Ending
from kgents.glass.ghost import (
    AGENTS,
    ALL,
    BRAKES,
    CLUSTER,
    PHEROMONES,
    PROPOSALS,
    Ghost,
    Snapshot,
    agent_entry,
    ghost_of,
)
from kgents.glass.kubectl import Api, find

Tell = Callable[[str], None]
_KIND_OF = {"agents": "agents", "pheromones": "pheromones", "proposals": "proposals", "cluster": "agents"}
_REPEATABLE = frozenset({"agents.define", "agents.suspend", "agents.resume", "agents.terminate", "cluster.apply"})
POLL_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """What the asker accepts. `max_age` in seconds; `require_live`: no ghost; `ghost_only`: nothing but the disk.

    `prefer_live`: also a ghost that is fresh is for when nothing live answers, as who has seen newer wants it.
    """

    max_age: float | None = None
    require_live: bool = False
    ghost_only: bool = False
    prefer_live: bool = False

    def __post_init__(self) -> None:
        if self.require_live and self.ghost_only:
            raise UsageError("--require-live and --ghost exclude each other", fix="Give one of them")


@dataclass(slots=True)
class Glass:
    """The layers of one hive. Every part is an argument, the clock as well."""

    target: Target
    cortex: Cortex
    ghost: Ghost
    api: Callable[[], Api]
    clock: Callable[[], float] = time.time
    wake: Callable[[Target], None] | None = None
    tried: list[tuple[str, str]] = field(default_factory=list)

    def read(
        self, id: str, *, namespace: str, freshness: Freshness, bindings: dict[str, str], arguments: dict[str, Any]
    ) -> Answer:
        """The rows of a read. Raises Unreachable when no layer could answer, KgentsError when one says no."""
        entry = paths.entry(id)
        path = entry.path(**bindings)
        self.tried = []
        limit = freshness.max_age
        call = Call(bindings, arguments, namespace, self.clock())
        if not freshness.ghost_only:
            answer = self._from_cortex(entry, path, call)
            if answer is not None and staleness.acceptable(answer.source.age, limit):
                return answer
        snapshot = None if freshness.require_live else self._remembered(id, call)
        usable = snapshot is not None and staleness.acceptable(snapshot.age, limit)
        at_once = snapshot is not None and snapshot.staleness == "fresh" and not freshness.prefer_live
        if snapshot is not None and usable and (freshness.ghost_only or at_once):
            return _ghostly(path, entry, snapshot)._replace(frozen=self.ghost.frozen(call.now))
        if not freshness.ghost_only:
            answer = self._from_api(entry, path, call)
            if answer is not None:
                return answer
        if snapshot is not None and usable:
            return _ghostly(path, entry, snapshot, self.tried)._replace(frozen=self.ghost.frozen(call.now))
        raise self._unreachable(freshness, snapshot)

    def write(self, id: str, *, namespace: str, bindings: dict[str, str], arguments: dict[str, Any]) -> Answer:
        """The rows that a write left. Raises as `read` does."""
        entry = paths.entry(id)
        path = entry.path(**bindings)
        self.tried = []
        now = self.clock()
        try:
            head, items = self.cortex.write(path, arguments, namespace)
            if not self.cortex.is_local:
                self.ghost.outdate(_KIND_OF[id.partition(".")[0]], now)
            return Answer(path, Source("cortex", head.age), items, entry.many, head.total, frozen=head.frozen)
        except Outcome as error:
            if id not in _REPEATABLE:
                raise
            self.tried.append(("Cortex", error.why))
        except NextLayer as error:
            self.tried.append(("Cortex", str(error)))
            self._wake()
        try:
            rows = operations.run(id, self.api(), Call(bindings, arguments, namespace, now))
        except NextLayer as error:
            self.tried.append(("kubectl", str(error)))
            raise self._unreachable(Freshness(), None) from error
        self.ghost.outdate(_KIND_OF[id.partition(".")[0]], now)
        if id in ("cluster.freeze", "cluster.thaw"):
            self.ghost.write_one(BRAKES, rows[0], now=now)
        return Answer(path, Source("kubectl"), [dump(row) for row in rows], entry.many, len(rows))

    def watch(
        self,
        id: str,
        *,
        namespace: str,
        bindings: dict[str, str],
        arguments: dict[str, Any],
        pause: Callable[[], None],
        ending: Ending | None = None,
    ) -> Iterator[tuple[str, bytes, Source]]:
        """(ADDED|MODIFIED|DELETED|SYNCED, row, source) for ever: from Cortex, and by asking again where it is away.

        BRAKES comes before them, and when the hive is frozen or thawed: {"by", "reason", "since"}, or null.
        What was told is never taken back by a ghost that is older: then SYNCED says how old it is by now.
        """
        path = paths.entry(id).path(**bindings)
        known, ending, told_at = Known(), ending or Ending(), None
        while not ending.ended:
            try:
                for type, item in known.streamed(self.cortex.watch(path, arguments, namespace, ending=ending)):
                    told_at = self.clock()
                    yield type, item, Source("cortex")
            except NextLayer as error:
                self.tried = [("Cortex", str(error))]
            if ending.ended:
                return
            freshness = Freshness(prefer_live=told_at is not None)
            answer = self.read(id, namespace=namespace, freshness=freshness, bindings=bindings, arguments=arguments)
            now, source = self.clock(), answer.source
            if told_at is not None and source.layer == "ghost" and now - source.age < told_at:
                age = max(now - told_at, 0.0)
                judged = staleness.classify(_KIND_OF[id.partition(".")[0]], age, self.ghost.stability())
                yield "SYNCED", b"", Source("ghost", age, judged)
            else:
                told_at = now - source.age
                for type, item in known.braked(dump(answer.frozen)):
                    yield type, item, source
                for type, item in known.listed(answer.items):
                    yield type, item, source
            pause()

    def ask(self, ids: Sequence[str], namespace: str) -> tuple[dict[str, list[bytes]], dict[str, str] | None]:
        """Whole lists straight from the API, by id, and whether the hive is frozen: past Cortex, and remembered.

        What the API refuses is left out. Raises Refused when that is everything, NextLayer when the API is silent.
        """
        api, call = self.api(), Call({}, {}, namespace, self.clock())
        asked = brakes.Asked(api)
        found: dict[str, list[bytes]] = {}
        refused: Refused | None = None
        for id in ids:
            try:
                rows = redact(operations.run(id, api, call))
            except Refused as error:
                refused = error
                continue
            found[id] = [dump(row) for row in rows]
            self._remember(id, found[id], rows, call)
        if refused is not None and not found:
            raise refused
        return found, asked.frozen(self.ghost, call.now)

    def follow_logs(self, agent: str, namespace: str, tail: int | None, ending: Ending | None = None) -> Iterator[str]:
        """Lines as an agent writes them: from Cortex, else from the API. Raises Unreachable when neither has them."""
        path = paths.path_of("agents.witness", agent=agent)
        arguments: dict[str, Any] = {"follow": True} if tail is None else {"follow": True, "tail": tail}
        self.tried = []
        try:
            for type, item, _ in self.cortex.watch(path, arguments, namespace, ending=ending):
                if type in ("ADDED", "MODIFIED") and item:
                    yield str(json.loads(item).get("line", ""))
            return
        except NextLayer as error:
            self.tried.append(("Cortex", str(error)))
            self._wake()
        try:
            yield from self.api().logs(agent, namespace, tail=tail, follow=True, ending=ending)
        except NextLayer as error:
            self.tried.append(("kubectl", str(error)))
            raise self._unreachable(Freshness(require_live=True), None) from error

    def _from_cortex(self, entry: Entry, path: str, call: Call) -> Answer | None:
        try:
            head, items = self.cortex.read(path, dict(call.arguments), call.namespace)
        except NextLayer as error:
            self.tried.append(("Cortex", str(error)))
            self._wake()
            return None
        if not self.cortex.is_local and head.total == len(items):
            # Who is elsewhere does not keep this disk's memory.
            self._remember(entry.id, items, [json.loads(item) for item in items], call)
        return Answer(path, Source("cortex", head.age), items, entry.many, head.total, frozen=head.frozen)

    def _from_api(self, entry: Entry, path: str, call: Call) -> Answer | None:
        api = self.api()
        asked = brakes.Asked(api)
        try:
            rows = operations.run(entry.id, api, call)
        except NextLayer as error:
            self.tried.append(("kubectl", str(error)))
            return None
        frozen = asked.frozen(self.ghost, call.now)
        items = [dump(row) for row in rows]
        self._remember(entry.id, items, rows, call)
        limit = call.arguments.get("limit")
        return Answer(path, Source("kubectl"), items[:limit], entry.many, len(items), frozen=frozen)

    def _remembered(self, id: str, call: Call) -> Snapshot | None:
        """What the ghost has for this question, filtered as it asks."""
        now = self.clock()
        if id == "agents.list":
            return self.ghost.read(AGENTS, now, call.namespace)
        if id == "agents.get":
            return self._remembered_agent(call.namespace, call.bindings["agent"], now)
        if id == "cluster.manifest":
            return self.ghost.read(CLUSTER, now)
        if id == "pheromones.sense":
            found = self.ghost.read(PHEROMONES, now, call.namespace)
            name = call.arguments.get("as")
            # Only its own entry has its umwelt: a row of the list would let it sense all.
            agent = self.ghost.read_one(agent_entry(call.namespace, str(name)), now) if name else None
            if found is None or (name and agent is None):
                return None
            items = operations.sensed(found.items, wish(call.arguments, agent.items[0] if agent else None))
            total = len(items) if len(items) < len(found.items) else found.total
            return Snapshot(items[: call.arguments.get("limit")], total, found.age, found.staleness)
        if id in ("proposals.list", "proposals.get"):
            return self._remembered_proposals(call, now)
        return None

    def _remembered_agent(self, namespace: str, name: str, now: float) -> Snapshot | None:
        own = self.ghost.read_one(agent_entry(namespace, name), now)
        if own is not None:
            return own
        listed = self.ghost.read(AGENTS, now, namespace)
        found = [row for row in listed.items if row.get("name") == name] if listed else []
        return Snapshot(found, 1, listed.age, listed.staleness) if listed and found else None

    def _remembered_proposals(self, call: Call, now: float) -> Snapshot | None:
        parts = [self.ghost.read(entry, now, call.namespace) for entry in PROPOSALS.values()]
        known = [part for part in parts if part is not None]
        if not known:
            return None
        oldest = max(known, key=lambda part: part.age)
        wanted = call.bindings.get("proposal")
        items = [row for part in known for row in part.items if wanted in (None, row.get("name"))]
        items = operations.in_phase(items, call.arguments)
        return Snapshot(items, len(items), oldest.age, oldest.staleness) if items or wanted is None else None

    def _remember(self, id: str, items: list[bytes], rows: list[dict[str, Any]], call: Call) -> None:
        """A live answer that came past Cortex is written down, if it was about all there is."""
        if id == "agents.list":
            self.ghost.write(AGENTS, items, now=call.now, namespace=call.namespace)
        elif id == "agents.get" and rows:
            self.ghost.write_one(agent_entry(call.namespace, call.bindings["agent"]), items[0], now=call.now)
        elif id == "pheromones.sense" and not set(call.arguments) - {"limit"}:
            self.ghost.write(PHEROMONES, items, now=call.now, namespace=call.namespace)
        elif id == "proposals.list" and not call.arguments:
            for state, entry in PROPOSALS.items():
                chosen = [item for item, row in zip(items, rows, strict=True) if _shelf(row) == state]
                self.ghost.write(entry, chosen, now=call.now, namespace=call.namespace)
        elif id == "cluster.manifest":
            self.ghost.write(CLUSTER, items, now=call.now, namespace=ALL)

    def _wake(self) -> None:
        if self.wake is not None:
            self.wake(self.target)

    def _unreachable(self, freshness: Freshness, snapshot: Snapshot | None) -> KgentsError:
        tried = [f"{layer}: {why}" for layer, why in self.tried]
        if freshness.require_live:
            return Unreachable("Nothing live answers", why="; ".join(tried), fix=_helps(self.target))
        if snapshot is not None and freshness.max_age is not None:
            tried.append(f"ghost: it is {snapshot.age:.0f} s old, and you asked for {freshness.max_age:.0f} s at most")
        else:
            tried.append("ghost: nothing is remembered of this")
        if freshness.ghost_only:
            return Unreachable(
                "The ghost cannot answer that", why=tried[-1].removeprefix("ghost: "), fix="Leave out --ghost"
            )
        return Unreachable(f"Nothing answers for {self.target.context}", why="; ".join(tried), fix=_helps(self.target))


def open_glass(target: Target, tell: Tell, cortex_down: str = "") -> Glass:
    """The glass of a hive as it is on this machine, or with the Cortex that the environment names.

    `tell` gets what a person should know, a sentence each. Raises UsageError for a Cortex that is no address.
    """
    cortex: Cortex = Cortex(target.key, down=cortex_down)
    wake: Callable[[Target], None] | None
    if os.environ.get("KGENTS_CORTEX"):
        from kgents.glass import remote

        cortex, wake = remote.Remote(target, remote.named(), os.environ.get(remote.AUTHORITY, "")), None
    else:
        from kgents.glass.daemon import wake
    return Glass(target, cortex, ghost_of(target.key, tell), lambda: find(target.context), wake=wake)


def _helps(target: Target) -> str:
    if target.context.startswith("kgents-"):
        return f"Start it: kgents infra start --name {target.context.removeprefix('kgents-')}"
    from kgents.infra.hive import of_context

    hive = of_context(target.context)
    if hive is not None:
        return f"See what is wrong: kgents infra status --name {hive.name}"
    return "Make a hive on this machine: kgents infra init"


def _ghostly(path: str, entry: Entry, snapshot: Snapshot, tried: list[tuple[str, str]] | None = None) -> Answer:
    if not entry.many and not snapshot.items:
        raise NotFound("The ghost knows of none", fix="See what it holds: kgents ghost status")
    source = Source("ghost", snapshot.age, snapshot.staleness)
    notes = tuple(f"{layer}: {why}" for layer, why in tried or ())
    return Answer(path, source, [dump(row) for row in snapshot.items], entry.many, snapshot.total, notes)


def _shelf(row: dict[str, Any]) -> str:
    phase = row.get("phase")
    if phase in ("Merged", "RolledBack"):
        return "merged"
    return "rejected" if phase in ("Rejected", "Expired", "Superseded", "Failed") else "pending"
