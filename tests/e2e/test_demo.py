"""A stranger's first minutes: the example hive comes up, speaks, reacts, and can be handled."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.support.machine import Machine
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e
FIVE = {"indexer", "library", "moth", "watchman", "worker"}
LONG = 120.0


def pods(machine: Machine) -> dict[str, str]:
    items = machine.kubectl.json("get", "pods")["items"]
    return {item["metadata"]["name"]: item["metadata"]["uid"] for item in items}


def signals(machine: Machine, *options: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = machine.json("observe", *options)["items"]
    return items


def phase(machine: Machine, agent: str) -> str | None:
    return machine.agents().get(agent, {}).get("phase")


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_five_agents_run(demo: Machine) -> None:
    # The moth may be down just now: it crashes by design, and comes back.
    eventually(lambda: {name: row["phase"] for name, row in demo.agents().items()} == dict.fromkeys(FIVE, "Running"))


def test_doing_it_again_changes_nothing(demo: Machine) -> None:
    before = pods(demo)

    demo("demo")

    assert pods(demo) == before


def test_it_ends_with_what_to_try_next(demo: Machine) -> None:
    done = demo.run("demo")

    assert [name for name in FIVE if name in done.stdout] and done.returncode == 0
    assert len(re.findall(r"^  (kgents|kubectl) ", done.stderr, re.MULTILINE)) == 3


def test_status_has_a_row_for_each_with_what_design_promises(demo: Machine) -> None:
    answer = demo.json("status")

    assert answer["path"] == "world.cluster.agents.manifest"
    assert set(answer["source"]) == {"layer", "ageSeconds", "staleness"}
    promised = "name namespace genus phase replicas readyReplicas restarts activity cognitiveHealth ageSeconds"
    assert all(set(promised.split()) <= set(row) for row in answer["items"])
    assert {row["name"] for row in answer["items"]} == FIVE


def test_one_agent_is_one_item(demo: Machine) -> None:
    answer = demo.json("status", "worker")

    assert answer["item"]["name"] == "worker"
    assert "items" not in answer


def test_kubectl_shows_the_same(demo: Machine) -> None:
    lines = demo.kubectl("get", "agents").splitlines()

    assert {line.split()[0] for line in lines[1:]} == FIVE
    assert "PHASE" in lines[0]


def test_the_hive_tells_of_its_processes(demo: Machine) -> None:
    item = demo.json("infra", "status")["item"]

    states = {process["name"]: process["state"] for process in item["hive"]["processes"]}
    assert states == dict.fromkeys(("apiserver", "cortex", "node", "operators"), "running")
    assert item["reachable"] is True and item["agents"]["total"] >= 5
    isolation = item["hive"]["isolation"]
    assert isolation["programs"] in ("landlock", "none") and isolation["networkPolicies"] == "stored, not enforced"
    assert isolation["lacks"] and ("reason" in isolation or isolation["protects"])


def test_the_status_of_the_hive_is_honest_about_isolation(demo: Machine) -> None:
    done = demo.run("infra", "status")

    assert "operators" in done.stdout
    assert re.search(r"isolation: (landlock|none)", done.stderr) and "not enforced" in done.stderr


def test_logs_are_what_the_program_wrote(demo: Machine) -> None:
    eventually(lambda: "watching the library's access log" in demo("logs", "watchman"), LONG)
    assert "watching the library's access log" in demo.kubectl("logs", "deployment/watchman")


def test_a_log_line_becomes_a_warning_and_the_worker_backs_off(demo: Machine) -> None:
    warning = eventually(lambda: signals(demo, "--type", "WARNING"), LONG)[0]

    assert warning["source"] == "watchman"
    assert re.fullmatch(r"the library refused \d+ of \d+ requests", warning["payload"])
    eventually(lambda: "backing off: WARNING is strong" in demo("logs", "worker"), LONG)


def test_a_signal_fades(demo: Machine) -> None:
    demo("signal", "emit", "DREAM", "--payload", "brief", "--half-life", "1s")

    first = eventually(lambda: signals(demo, "--type", "DREAM"))[0]["intensity"]
    assert first <= 1
    eventually(lambda: not signals(demo, "--type", "DREAM"))
    eventually(lambda: "DREAM" not in demo.kubectl("get", "pheromones"))


def test_observing_goes_on_as_signals_come(demo: Machine) -> None:
    with demo.popen("observe", "-f", "-o", "json", "--type", "CHAOS") as following:
        assert following.stdout is not None
        demo("signal", "emit", "CHAOS", "--payload", "look here")
        line = next(line for line in following.stdout if '"look here"' in line)
        following.send_signal(signal.SIGINT)

    assert json.loads(line)["item"]["type"] == "CHAOS"
    assert following.returncode == 130


def test_a_paused_agent_has_no_pods_until_it_is_resumed(demo: Machine) -> None:
    demo("pause", "indexer")
    eventually(lambda: phase(demo, "indexer") == "Suspended")
    eventually(lambda: not [name for name in pods(demo) if name.startswith("indexer-")])

    demo("resume", "indexer")
    eventually(lambda: phase(demo, "indexer") == "Running")


def test_any_program_is_an_agent(demo: Machine, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import time; print('mine speaks', flush=True); time.sleep(1000)")

    demo("run", "mine", "--", sys.executable, "mine.py", cwd=tmp_path)

    assert phase(demo, "mine") == "Running"
    eventually(lambda: "mine speaks" in demo("logs", "mine"))
    demo("delete", "mine", "--yes")
    eventually(lambda: "mine" not in demo.agents())
    eventually(lambda: not [name for name in pods(demo) if name.startswith("mine-")])


def test_a_program_that_listens_everywhere_is_not_hindered_by_its_own_service(demo: Machine) -> None:
    demo("run", "open", "--port", "8098", "--", sys.executable, "-m", "http.server", "8098", "--bind", "0.0.0.0")
    service = demo.kubectl.json("get", "service", "open")["spec"]

    eventually(lambda: answers(f"http://{service['clusterIP']}:8098/"))
    assert demo.agents()["open"]["restarts"] == 0
    demo("delete", "open", "--yes")


def test_a_program_that_fails_says_why(demo: Machine) -> None:
    done = demo.run("run", "broken", "--timeout", "60", "--", sys.executable, "-c", "raise SystemExit('no oil left')")

    assert done.returncode == 1
    assert "no oil left" in done.stderr or "exit code 1" in done.stderr
    demo("delete", "broken", "--yes")


def test_what_is_deleted_is_gone_with_its_children(demo: Machine) -> None:
    demo("run", "brief", "--port", "8099", "--", sys.executable, "-m", "http.server", "8099")
    demo("delete", "brief", "--yes")

    gone = "deployments,replicasets,pods,services,serviceaccounts"
    eventually(lambda: "brief" not in demo.kubectl("get", gone, "-o", "name"))
    assert demo.run("status", "brief").returncode == 3


def test_everything_is_private(demo: Machine) -> None:
    for path in (demo.home, demo.hive, demo.hive / "tokens.json", demo.hive / "kubeconfig", demo.kubeconfig):
        assert os.stat(path).st_mode & 0o077 == 0, path  # noqa: PTH116
