"""The tree of causes: in order, bounded, and right about what is gone. The objects are as the API would list them."""

from __future__ import annotations

import time
from typing import Any

from kgents.api.errors import NotFound
from kgents.api.operations.carrying import carry_out
from kgents.api.operations.requests import Call, Get, List
from kgents.api.operations.why import NODES, explain, lines

Object = dict[str, Any]
AGENT = {"kind": "Agent", "metadata": {"name": "bot", "namespace": "n", "uid": "a"}, "spec": {}, "status": {}}


def cause(uid: str, **snapshot: Any) -> Object:
    named = {"kind": "Pheromone", "name": f"s-{uid}"}
    return {"object": named, "uid": uid, **({"snapshot": snapshot} if snapshot else {})}


def signal(uid: str, *causes: Object) -> Object:
    spec = {"type": "SCARCITY", "source": "orders", "causedBy": list(causes)}
    return {"metadata": {"name": f"s-{uid}", "namespace": "n", "uid": uid}, "spec": spec}


def merged(number: int, *causes: Object) -> Object:
    at = f"2026-01-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z"
    status = {"phase": "Merged", "mergedAt": at, "diff": f"~ spec.replicas: {number} → {number + 1}"}
    spec = {"target": {"kind": "Agent", "name": "bot"}, "reason": "r", "proposer": "ann", "causedBy": list(causes)}
    metadata = {"name": f"p-{number}", "namespace": "n", "uid": f"p{number}"}
    return {"metadata": metadata, "spec": spec, "status": status}


def told(proposals: list[Object], signals: list[Object] = (), name: str = "bot") -> list[str]:  # type: ignore[assignment]
    def send(request: Any) -> Any:
        if isinstance(request, List):
            return signals if request.kind.kind == "Pheromone" else proposals
        assert isinstance(request, Get)
        there = [AGENT] if request.kind.kind == "Agent" else proposals
        found = [one for one in there if one["metadata"]["name"] == request.name]
        if not found:
            raise NotFound("not there")
        return found[0]

    [row] = carry_out(explain(Call({"name": name}, {}, "n", time.time())), send)
    return list(lines(row["tree"]))


def test_one_cause_after_another_reads_as_one_line():
    line = {"object": {"kind": "Pod", "name": "orders-1"}, "snapshot": {"line": "queue 90"}}
    first = told([merged(2, cause("u", type="SCARCITY", intensity=0.8))], [signal("u", line)])[0]
    assert first == (
        "├─ scaled 2→3 ← proposal p-2, by itself, risk 0.00 ← SCARCITY 0.80 (Pheromone s-u) from orders"
        " ← log of orders-1: queue 90"
    )


def test_the_newest_change_is_first_and_of_a_thousand_the_last_five_are_shown():
    text = told([merged(number) for number in range(1000)])
    assert next(line.split()[1:3] for line in text if "scaled" in line) == ["scaled", "999→1000"]
    assert sum("scaled" in line for line in text) == 5
    assert "… 995 earlier changes: kgents audit" in "\n".join(text)


def test_causes_that_are_gone_are_told_by_their_snapshot_or_as_unknown():
    gone = told([merged(1, cause("x", type="WARNING", intensity=0.5), cause("y"))])
    assert "WARNING 0.50 (Pheromone s-x)" in gone[1]
    assert gone[2].endswith("Pheromone s-y (nothing more is known of it)")


def test_causes_that_go_in_a_circle_end():
    text = told([merged(1, cause("a", type="STATE"))], [signal("a", cause("b")), signal("b", cause("a"))])
    assert len(text) < 10


def test_causes_that_branch_without_end_are_cut():
    signals = [signal(f"u{level}", *[cause(f"u{level + 1}")] * 16) for level in range(20)]
    assert len(told([merged(1, cause("u0"))], signals)) <= NODES + 10


def test_a_proposal_that_led_to_another_is_named_with_its_phase():
    led = {"object": {"kind": "Proposal", "name": "p-1"}, "uid": "p1"}
    text = "\n".join(told([merged(1), merged(2, led)]))
    assert "← proposal p-1 (Merged): “r”" in text


def test_an_approved_one_says_what_it_waits_for() -> None:
    waits = merged(1)
    condition = {"type": "Merging", "status": "False", "message": "p-0 has changed the same target"}
    waits["status"] |= {"phase": "Approved", "conditions": [condition]}
    said = told([waits], name="proposal/p-1")
    assert any("p-0 has changed the same target" in line for line in said)
    assert any("it would change" in line for line in said)


def test_what_was_taken_back_was_changed() -> None:
    back = merged(1)
    back["status"]["phase"] = "RolledBack"
    assert any("it changed" in line for line in told([back], name="proposal/p-1"))
