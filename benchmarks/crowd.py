"""A Cortex that has nothing behind it: many agents and signals, and so many changes a second, over the real socket.

    python -m benchmarks.crowd AGENTS SIGNALS EVENTS_A_SECOND

It serves the context of `TARGET` in $KGENTS_HOME, says `ready`, and ends with its standard input.
"""

from __future__ import annotations

import itertools
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import orjson

from benchmarks.agents import STATUS, agent
from kgents.api import pheromone, rows, times
from kgents.api.kinds import API_VERSION
from kgents.glass.context import Target
from kgents.infra.home import cortex_socket, cortex_token_file, private_dir
from kgents.wire import cortex_pb2, cortex_pb2_grpc

TARGET = Target("crowd", "https://127.0.0.1:1")
NAMESPACES = 7
PROPOSALS = 40
HISTORY = 60
BEAT = 0.02
"""Seconds between two bursts."""
_PHASES = ("Running", "Running", "Running", "Degraded", "Running", "Failed")
_MIX = ("agents",) * 9 + ("emitted",) * 4 + ("faded",) * 4 + ("proposals",) + ("witness",) * 3 + ("logs",) * 4
Event = tuple[str, str, dict[str, Any]]
Row = dict[str, Any]


def name_of(number: int) -> str:
    return f"agent-{number:05}"


def agent_row(number: int, activity: float | None, phase: str = "Running") -> Row:
    whole = agent(number)
    whole["metadata"] |= {"namespace": f"team-{number % NAMESPACES}", "creationTimestamp": "2026-01-01T00:00:00Z"}
    whole["status"] = {**STATUS, "phase": phase}
    if number % 3 == 0:
        whole["spec"]["reactions"] = [{"type": pheromone.TYPES[number % len(pheromone.TYPES)]}]
    return rows.agent_row(whole, time.time(), activity)


def signal_row(number: int, agents: int, now: float) -> Row:
    source = number % agents
    spec = {
        "type": pheromone.TYPES[number % len(pheromone.TYPES)],
        "source": name_of(source),
        "initialIntensity": 0.2 + number * 37 % 80 / 100,
        "halfLife": "1800s",
        "emittedAt": times.to_text(now),
        "payload": f"47 items wait, {number} were seen",
    }
    metadata = {"name": f"signal-{number:07}", "namespace": f"team-{source % NAMESPACES}"}
    return rows.pheromone_row({"apiVersion": API_VERSION, "metadata": metadata, "spec": spec}, now)


def proposal_row(number: int, phase: str) -> Row:
    name = name_of(number)
    spec = {"proposer": name, "target": {"kind": "Agent", "name": name}, "reason": "High load for six minutes"}
    status = {"phase": phase, "risk": {"total": number % 100 / 100, "level": "Medium"}}
    metadata = {"name": f"{name}-scale", "namespace": f"team-{number % NAMESPACES}"}
    return rows.proposal_row({"metadata": metadata, "spec": spec, "status": status}, time.time())


class Crowd(cortex_pb2_grpc.CortexServicer):
    """The initial state at once, then `rate` changes a second, of every sort."""

    def __init__(self, agents: int, signals: int, rate: float) -> None:
        self.agents, self.signals, self.rate = agents, signals, rate

    def Invoke(self, request: Any, context: Any) -> Iterator[Any]:
        head = orjson.dumps({"path": request.path, "many": False, "total": 1, "ageSeconds": 0.0})
        row = {**agent_row(0, 0.5), "labels": {}, "spec": agent(0)["spec"], "conditions": [], "reactions": []}
        yield cortex_pb2.InvokeReply(head=head, items=[orjson.dumps(row)])

    def Watch(self, request: Any, context: Any) -> Iterator[Any]:
        whole = request.path == "world.cluster.stream"
        for type, resource, item in self._begin() if whole else (("ADDED", "agents", agent_row(0, 0.5)),):
            yield _event(type, resource, item)
        yield _event("SYNCED", "", {"ageSeconds": 0.0})
        told = began = time.monotonic()
        due, changes = 0.0, self._changes()
        while context.is_active():
            time.sleep(BEAT)
            now = time.monotonic()
            if whole:
                for type, resource, item in itertools.islice(changes, int((now - began) * self.rate - due)):
                    due += 1
                    yield _event(type, resource, item)
            if now - told > 2:
                told = now
                yield _event("SYNCED", "", {"ageSeconds": 0.0})

    def _begin(self) -> Iterator[Event]:
        chance = random.Random(1)
        for number in range(self.agents):
            yield "ADDED", "agents", agent_row(number, chance.random() ** 3)
        for number in range(self.signals):
            yield "ADDED", "pheromones", signal_row(number, self.agents, time.time() - chance.random() * 900)
        for number in range(PROPOSALS):
            yield "ADDED", "proposals", proposal_row(number, "Reviewing" if number % 4 == 0 else "Merged")
        for number in range(self.agents):
            values = [round(chance.random(), 3) for _ in range(HISTORY)]
            row = agent_row(number, None)
            yield "ADDED", "activity", {"namespace": row["namespace"], "name": row["name"], "values": values}

    def _changes(self) -> Iterator[Event]:
        chance, oldest, newest = random.Random(2), 0, self.signals
        while True:
            sort, number = chance.choice(_MIX), chance.randrange(self.agents)
            row = agent_row(number, round(chance.random() ** 3, 3), chance.choice(_PHASES))
            who, at = {"namespace": row["namespace"], "name": row["name"]}, time.time()
            match sort:
                case "agents":
                    yield "MODIFIED", sort, row
                case "emitted":
                    yield "ADDED", "pheromones", signal_row(newest, self.agents, at)
                    newest += 1
                case "faded":
                    yield "DELETED", "pheromones", signal_row(oldest, self.agents, at)
                    oldest += 1
                case "proposals":
                    yield "MODIFIED", sort, proposal_row(number % PROPOSALS, chance.choice(("Reviewing", "Merged")))
                case "witness":
                    yield "ADDED", sort, {"at": at, "kind": "agent", **who, "what": "phase", "to": row["phase"]}
                case "logs":
                    line = f"Processing invoice batch ({number} items left in the queue of this hour)"
                    logged = {"namespace": row["namespace"], "agent": row["name"], "pod": f"{row['name']}-0"}
                    yield "ADDED", sort, {**logged, "line": line, "at": times.to_micro_text(at)}


def _event(type: str, resource: str, item: Row) -> Any:
    return cortex_pb2.WatchEvent(type=type, item=orjson.dumps(item), resource=resource)


def main() -> None:
    agents, signals, rate = (int(word) for word in sys.argv[1:])
    socket = cortex_socket(TARGET.key)
    private_dir(socket.parent)
    cortex_token_file(TARGET.key).write_text("a-token\n")
    server = grpc.server(ThreadPoolExecutor(8))
    cortex_pb2_grpc.add_CortexServicer_to_server(Crowd(agents, signals, rate), server)  # type: ignore[no-untyped-call]
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    print("ready", flush=True)
    sys.stdin.read()
    server.stop(None).wait()


if __name__ == "__main__":
    main()
