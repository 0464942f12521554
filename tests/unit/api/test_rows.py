from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgents.api import rows

NOW = 1_800_000_060.0
MAKERS = [rows.agent_row, rows.pheromone_row, rows.proposal_row, rows.memory_row, rows.umwelt_row]
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
FIELDS = ("name", "phase", "spec", "conditions", "target", "risk", "replicas", "size", "senses", "creationTimestamp")
MORE_FIELDS = ("reactions", "position", "causedBy", "diff")
half_written = st.dictionaries(
    st.sampled_from(("metadata", "spec", "status")),
    junk | st.dictionaries(st.sampled_from((*FIELDS, *MORE_FIELDS)), junk),
)


def agent(spec: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    metadata = {"name": "scout", "namespace": "lab", "creationTimestamp": "2027-01-15T08:00:00Z"}
    return {"metadata": metadata, "spec": spec or {"image": "x", "replicas": 2}, "status": status}


def test_an_agents_row() -> None:
    row = rows.agent_row(agent(phase="Running", readyReplicas=2, restarts=1, cognitiveHealth="Healthy"), NOW, 0.25)
    assert row == {
        "name": "scout",
        "namespace": "lab",
        "genus": None,
        "phase": "Running",
        "replicas": 2,
        "readyReplicas": 2,
        "restarts": 1,
        "activity": 0.25,
        "cognitiveHealth": "Healthy",
        "ageSeconds": 60.0,
        "suspended": False,
        "image": "x",
        "reactsTo": [],
        "reason": None,
    }


def test_an_agents_row_says_what_it_reacts_to() -> None:
    reactions = [{"type": "WARNING", "minIntensity": 1}, {"type": "SCARCITY"}, {"type": "WARNING"}, {"type": 7}, "junk"]
    assert rows.agent_row(agent({"reactions": reactions}), NOW)["reactsTo"] == ["SCARCITY", "WARNING"]


@pytest.mark.parametrize(
    ("obj", "phase"),
    [
        (agent(), "Unknown"),
        (agent({"suspend": True}, phase="Running"), "Suspended"),
        (agent({"replicas": 0}, phase="Running"), "Suspended"),
        (agent({"replicas": 1}, phase="Suspended"), "Pending"),
        ({"metadata": {"deletionTimestamp": "x"}, "status": {"phase": "Running"}}, "Terminating"),
    ],
)
def test_the_phase_follows_what_was_asked_for(obj: dict[str, Any], phase: str) -> None:
    assert rows.agent_row(obj, NOW)["phase"] == phase


def test_what_is_not_measured_is_unknown() -> None:
    assert rows.agent_row(agent(), NOW)["activity"] is None


def test_trouble_is_told_in_its_own_words() -> None:
    ready = {"type": "Ready", "status": "False", "message": "no pods"}
    conflict = {"type": "NameConflict", "status": "True", "message": "a Service of that name is another's"}
    assert rows.agent_row(agent(conditions=[ready, conflict]), NOW)["reason"] == conflict["message"]


def test_a_pheromones_intensity_is_that_of_now() -> None:
    spec = {"type": "WARNING", "halfLife": "1m", "initialIntensity": 0.8, "payload": "hot"}
    row = rows.pheromone_row({"metadata": {"creationTimestamp": "2027-01-15T08:00:00Z"}, "spec": spec}, NOW)
    assert (row["intensity"], row["halfLifeSeconds"], row["evaporatesAt"]) == (0.4, 60.0, "2027-01-15T08:06:20Z")


def test_a_pheromones_row_says_where_it_lies_and_what_led_to_it() -> None:
    cause = {"object": {"kind": "Pheromone", "name": "orders-x1"}, "snapshot": {"type": "SCARCITY", "intensity": 0.8}}
    long = {"snapshot": {"line": "x" * 5000}}
    spec = {"position": {"x": 1, "y": float("nan"), "z": 0.5, "w": True}, "causedBy": [cause, "junk", long]}
    row = rows.pheromone_row({"spec": spec}, NOW)
    assert row["position"] == {"x": 1.0, "z": 0.5}
    assert row["causedBy"] == ["SCARCITY 0.80 (Pheromone orders-x1)", "x" * rows.CAUSE_MAX]
    bare = rows.pheromone_row({}, NOW)
    assert (bare["position"], bare["causedBy"]) == (None, [])


@pytest.mark.parametrize(
    ("diff", "change"),
    [
        (None, None),
        ("~ spec.replicas: 2 → 3", "scaled 2→3"),
        ("~ spec.replicas: 2 → 3\n+ spec.x: 1", "scaled 2→3 and 1 more"),
        ("~ spec.image: a → b", "spec.image: a → b"),
        ("+ spec.x: " + "y" * 5000, ("+ spec.x: " + "y" * 5000)[: rows.CHANGE_MAX]),
    ],
)
def test_a_proposals_row_says_the_change_in_few_words(diff: str | None, change: str | None) -> None:
    assert rows.proposal_row({"status": {"diff": diff}}, NOW)["change"] == change


def test_a_proposal_names_its_target_as_kind_and_name() -> None:
    spec = {"target": {"kind": "Agent", "name": "scout"}, "reason": "more", "proposer": "me"}
    row = rows.proposal_row({"metadata": {"name": "p", "namespace": "lab"}, "spec": spec}, NOW)
    assert (row["target"], row["targetNamespace"], row["phase"], row["risk"]) == ("Agent/scout", "lab", "Pending", None)


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
@given(obj=half_written)
def test_anything_makes_a_row(make: Any, obj: dict[str, Any]) -> None:
    row = make(obj, NOW)
    assert json.dumps(row, allow_nan=False)
    assert isinstance(row["name"], str)
