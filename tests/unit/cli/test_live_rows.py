"""Rows that are true now though the server said nothing since."""

from __future__ import annotations

import json
from typing import Any

from kgents.cli.columns import AGENTS, GONE, SIGNALS
from kgents.cli.live_rows import LINGERS, LiveRows

NOW = 1_800_000_000.0


def signal(name: str, intensity: float = 0.8, half_life: float = 10.0, **more: Any) -> bytes:
    common = {"namespace": "default", "type": "WARNING", "ageSeconds": 0.0, "evaporatesAt": "2100-01-01T00:00:00Z"}
    return json.dumps({"name": name, "intensity": intensity, "halfLifeSeconds": half_life, **common, **more}).encode()


def heard(*items: bytes, least: float = 0.0) -> LiveRows:
    live = LiveRows(SIGNALS, least)
    for item in items:
        live.hear("ADDED", item, NOW)
    return live


def shown(live: LiveRows, at: float) -> list[tuple[str, float]]:
    return [(row["name"], round(row["intensity"], 2)) for row in live.shown(NOW + at)]


def test_strength_fades_and_the_strongest_now_is_first():
    live = heard(signal("quick", 0.9, 1.0), signal("slow", 0.8, 100.0))
    assert shown(live, 0) == [("quick", 0.9), ("slow", 0.8)]
    assert shown(live, 1) == [("slow", 0.79), ("quick", 0.45)]


def test_what_evaporates_is_marked_and_then_gone_whether_or_not_anybody_says_so():
    live = heard(signal("brief", 0.8, 1.0), signal("other"))
    assert [row["name"] for row in live.shown(NOW + 60) if row.get(GONE)] == ["brief"]
    assert live.count == 1
    assert [row["name"] for row in live.shown(NOW + 60 + LINGERS)] == ["other"]
    assert live.hear("DELETED", signal("brief"), NOW + 70)["name"] == "brief"


def test_the_end_of_one_tells_how_strong_it_was_then():
    live = heard(signal("x", 0.8, 10.0))
    assert round(live.hear("DELETED", signal("x"), NOW + 10)["intensity"], 2) == 0.4


def test_a_claim_changes_the_row_and_not_its_place():
    live = heard(signal("x"), signal("y", 0.5))
    live.hear("MODIFIED", signal("x", claimedBy="ant"), NOW)
    assert [(row["name"], row.get("claimedBy")) for row in live.shown(NOW)] == [("x", "ant"), ("y", None)]


def test_what_is_weaker_than_asked_for_leaves_the_table():
    assert shown(heard(signal("x", 0.8, 10.0), least=0.5), 10) == []


def test_agents_stand_by_name_and_their_ages_grow():
    live = LiveRows(AGENTS)
    for name in ("b", "a"):
        live.hear("ADDED", json.dumps({"namespace": "n", "name": name, "ageSeconds": 1.0}).encode(), NOW)
    assert [(row["name"], row["ageSeconds"]) for row in live.shown(NOW + 4)] == [("a", 5.0), ("b", 5.0)]
