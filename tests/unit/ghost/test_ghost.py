from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest

from kgents.glass import ghost as ghosts
from kgents.glass import ghost_file
from kgents.glass.ghost import AGENTS, PHEROMONES, Ghost

NOW = 1_800_000_000.0
ROWS = [{"name": "scout", "namespace": "a", "ageSeconds": 5}, {"name": "scribe", "namespace": "b", "ageSeconds": 7}]


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def ghost(tmp_path: Path, told: list[str]) -> Ghost:
    return Ghost(tmp_path / "ghost" / "hive", told.append)


def test_what_was_written_is_read_with_its_age(ghost: Ghost) -> None:
    ghost.write(AGENTS, ROWS, now=NOW)

    found = ghost.read(AGENTS, NOW + 42)

    assert found is not None
    assert (found.age, found.staleness, found.total) == (42, "fresh", 2)
    assert [row["ageSeconds"] for row in found.items] == [47, 49]


def test_what_was_never_written_is_not_known(ghost: Ghost) -> None:
    assert ghost.read(AGENTS, NOW) is None


def test_everything_is_private(ghost: Ghost) -> None:
    ghost.write("agents/a/scout.json", ROWS[:1], now=NOW)

    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [ghost.root, *ghost.root.rglob("*")]}

    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items())


def test_a_file_is_plain_json(ghost: Ghost) -> None:
    ghost.write(AGENTS, ROWS, now=NOW)

    assert json.loads((ghost.root / AGENTS).read_text())["items"][0]["name"] == "scout"


@pytest.mark.parametrize("cut", [0, 10, 80, 200, -1])
def test_a_torn_file_is_set_aside(ghost: Ghost, told: list[str], cut: int) -> None:
    ghost.write(AGENTS, ROWS, now=NOW)
    path = ghost.root / AGENTS
    path.write_bytes(path.read_bytes()[:cut])

    assert ghost.read(AGENTS, NOW) is None
    assert not path.exists()
    assert path.with_name("_index.json.corrupt").exists()
    assert "damaged" in told[0]


def test_an_edited_file_is_set_aside(ghost: Ghost, told: list[str]) -> None:
    ghost.write(AGENTS, ROWS, now=NOW)
    path = ghost.root / AGENTS
    path.write_text(path.read_text().replace("scout", "spout"))

    assert ghost.read(AGENTS, NOW) is None
    assert len(told) == 1


def test_a_file_of_another_version_is_left_alone(ghost: Ghost, told: list[str]) -> None:
    path = ghost.root / AGENTS
    ghost.write(AGENTS, ROWS, now=NOW)
    path.write_bytes(ghost_file.encode({"version": 99}, []))

    assert ghost.read(AGENTS, NOW) is None
    assert path.exists()
    assert "another version" in told[0]


def test_a_heartbeat_keeps_an_unchanged_file_young(ghost: Ghost) -> None:
    checksum = ghost.write(AGENTS, ROWS, now=NOW, writer="cortex")
    assert checksum
    ghost.heartbeat(NOW + 500, {AGENTS: checksum})

    found = ghost.read(AGENTS, NOW + 510)

    assert found is not None
    assert found.age == 10


def test_a_heartbeat_does_not_vouch_for_what_somebody_else_wrote(ghost: Ghost) -> None:
    checksum = ghost.write(AGENTS, ROWS, now=NOW, writer="cortex")
    assert checksum
    ghost.write(AGENTS, ROWS[:1], now=NOW + 1)
    ghost.heartbeat(NOW + 500, {AGENTS: checksum})

    found = ghost.read(AGENTS, NOW + 510)

    assert found is not None
    assert found.age == 509


def test_an_answer_about_one_namespace_leaves_the_others(ghost: Ghost) -> None:
    ghost.write(AGENTS, ROWS, now=NOW)
    ghost.write(AGENTS, [{"name": "new", "namespace": "a"}], now=NOW + 50, namespace="a")

    whole, part = ghost.read(AGENTS, NOW + 60), ghost.read(AGENTS, NOW + 60, "a")

    assert whole is not None and part is not None
    assert {row["name"] for row in whole.items} == {"new", "scribe"}
    assert (whole.age, part.age) == (60, 10)
    assert [row["name"] for row in part.items] == ["new"]


def test_one_namespace_alone_does_not_answer_for_all(ghost: Ghost) -> None:
    ghost.write(AGENTS, ROWS[:1], now=NOW, namespace="a")

    assert ghost.read(AGENTS, NOW) is None
    assert ghost.read(AGENTS, NOW, "b") is None


def test_a_signal_is_shown_with_the_intensity_of_now(ghost: Ghost) -> None:
    row = {"name": "w", "intensity": 0.8, "halfLifeSeconds": 60}
    ghost.write(PHEROMONES, [row], now=NOW)

    found = ghost.read(PHEROMONES, NOW + 60)

    assert found is not None
    assert found.items[0]["intensity"] == pytest.approx(0.4)


def test_an_evaporated_signal_is_gone(ghost: Ghost) -> None:
    faint = {"name": "faint", "intensity": 0.02, "halfLifeSeconds": 60}
    ended = {"name": "ended", "intensity": 1.0, "halfLifeSeconds": 9e9, "evaporatesAt": "2020-01-01T00:00:00Z"}
    ghost.write(PHEROMONES, [faint, ended], now=NOW)

    found = ghost.read(PHEROMONES, NOW + 120)

    assert found is not None
    assert (found.items, found.total) == ([], 0)


def test_signals_come_strongest_now_first(ghost: Ghost) -> None:
    fast, slow = (
        {"name": n, "intensity": i, "halfLifeSeconds": h} for n, i, h in [("fast", 0.9, 10), ("slow", 0.5, 900)]
    )
    ghost.write(PHEROMONES, [fast, slow], now=NOW)

    found = ghost.read(PHEROMONES, NOW + 20)

    assert found is not None
    assert [row["name"] for row in found.items] == ["slow", "fast"]


def test_a_write_past_the_ghost_makes_it_stale(ghost: Ghost) -> None:
    ghost.write(AGENTS, ROWS, now=NOW)
    ghost.outdate("agents", NOW + 1)

    found = ghost.read(AGENTS, NOW + 2)

    assert found is not None
    assert found.staleness == "stale"


def test_a_later_answer_makes_it_fresh_again(ghost: Ghost) -> None:
    ghost.outdate("agents", NOW)
    ghost.write(AGENTS, ROWS, now=NOW + 1)

    found = ghost.read(AGENTS, NOW + 2)

    assert found is not None
    assert found.staleness == "fresh"


def test_a_clock_that_was_set_back_makes_nothing_fresh(ghost: Ghost) -> None:
    ghost.write(AGENTS, ROWS, now=NOW)

    found = ghost.read(AGENTS, NOW - 3600)

    assert found is not None
    assert found.staleness == "old"


def test_stability_lengthens_freshness(ghost: Ghost) -> None:
    ghost.write(AGENTS, ROWS, now=NOW)
    ghost.write_stability(0, NOW)

    found = ghost.read(AGENTS, NOW + 100)

    assert found is not None
    assert found.staleness == "fresh"


def test_a_home_that_cannot_be_written_costs_a_warning(tmp_path: Path, told: list[str]) -> None:
    (tmp_path / "blocked").write_text("a file where a folder should be")
    ghost = Ghost(tmp_path / "blocked" / "hive", told.append)

    assert ghost.write(AGENTS, ROWS, now=NOW) is None
    assert ghost.write(AGENTS, ROWS, now=NOW) is None
    assert len(told) == 1


def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    ghost: Ghost, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    ghost.write(AGENTS, ROWS, now=NOW)
    monkeypatch.setattr(ghost_file.os, "fsync", full)

    assert ghost.write(AGENTS, [], now=NOW) is None
    assert [path.name for path in (ghost.root / "agents").iterdir()] == ["_index.json"]
    assert "No space left" in told[0]


def test_concurrent_writers_and_readers_never_meet_half_a_file(ghost: Ghost, told: list[str]) -> None:
    def write(worker: int) -> None:
        for turn in range(25):
            ghost.write(AGENTS, [{"name": f"w{worker}-{turn}-{row}"} for row in range(50)], now=NOW)
            found = ghost.read(AGENTS, NOW)
            assert found is not None and len(found.items) == 50

    workers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert told == []
    assert list(ghost.root.rglob("*.tmp")) == []


@pytest.mark.parametrize("name", ["../../etc", "..", "a/b/../../..", "x" * 300, "", "-x\n"])
def test_a_name_cannot_lead_out_of_the_ghost(ghost: Ghost, name: str) -> None:
    assert ghost.read(ghosts.agent_entry(name, "x"), NOW) is None
    with pytest.raises(ValueError, match="not an entry"):
        ghost.write(ghosts.agent_entry("default", name), [], now=NOW)


def test_two_servers_of_one_context_name_have_two_ghosts() -> None:
    assert ghosts.hive_name("dev|https://a") != ghosts.hive_name("dev|https://b")
    assert ghosts.hive_name("dev|https://a").startswith("dev-")


def test_clear_removes_all_and_counts(ghost: Ghost) -> None:
    ghost.write(AGENTS, ROWS, now=NOW)
    ghost.write_stability(3, NOW)

    assert ghost.clear() == 2
    assert not ghost.root.exists()


def test_names_are_known_at_any_age(ghost: Ghost) -> None:
    ghost.write(AGENTS, ROWS, now=0)

    assert ghost.agent_names() == [("a", "scout"), ("b", "scribe")]
