"""Proposals, brakes and their record as a person meets them: one hive, the real command line, every layer."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.support.machine import Done, Machine
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e
_numbers = count(1)


@pytest.fixture(scope="module")
def hive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("machine"))
    machine("infra", "init")
    settings = json.dumps({"data": {"bake": "1s"}})
    machine.kubectl("patch", "configmap", "kgents-policy", "-n", "kgents-system", "--type=merge", "-p", settings)
    yield machine
    machine.clear()


@pytest.fixture
def bot(hive: Machine) -> Iterator[str]:
    """A running agent of a new name, in a namespace of its own: what others asked for adds nothing to its risk."""
    name = f"bot-{next(_numbers)}"
    hive("run", name, "--", "sleep", "1000")
    yield name
    hive("delete", name, "--yes")


def propose(hive: Machine, *words: str, who: str = "", **more: Any) -> str:
    """The name of a new proposal. `who` asks; each asker has a history of his own, so that tests do not add up."""
    name = f"p-{next(_numbers)}"
    as_user(hive, who or f"asker-{name}")("propose", *words, "--reason", "a test", "--name", name, **more)
    return name


def as_user(hive: Machine, who: str) -> Machine:
    """The same hive, for an administrator of another name."""
    folder = hive.root / who
    folder.mkdir(exist_ok=True)
    settings = hive.kubectl.json("config", "view", "--raw")
    for user in settings["users"]:
        user["user"] |= {"as": who, "as-groups": ["system:masters"]}
    (folder / "kubeconfig").write_text(json.dumps(settings))
    own = {"KUBECONFIG": str(folder / "kubeconfig"), "KGENTS_HOME": str(folder / "home"), "KGENTS_NO_DAEMON": "1"}
    return Machine(hive.root, own)


def row(hive: Machine, name: str) -> dict[str, Any]:
    found: dict[str, Any] = hive.json("proposals", name)["item"]
    return found


def settled(hive: Machine, name: str, *phases: str) -> dict[str, Any]:
    eventually(lambda: row(hive, name)["phase"] in phases)
    return row(hive, name)


def fails(done: Done, code: int, *words: str) -> None:
    """It ended with `code` and said so in one line that has these words."""
    told = [line for line in done.stderr.splitlines() if line.startswith("kgents: ")]
    assert (done.returncode, len(told)) == (code, 1), done
    assert all(word in told[0] for word in words), told
    assert "Traceback" not in done.stderr


PATCH = json.dumps({"spec": {"command": ["sleep", "2000"]}})
CHANGES: dict[str, tuple[list[str], str, int, str]] = {
    "more pods": (["--replicas", "2"], "", 0, "~ spec.replicas: 1 → 2"),
    "a setting": (["--set", "config.mode=fast"], "", 0, '+ spec.config'),
    "a file": (["-f", "-"], "spec: {replicas: 2}", 0, "~ spec.replicas: 1 → 2"),
    "JSON operations": (
        ["--type", "json", "--patch", '[{"op": "add", "path": "/spec/replicas", "value": 2}]'], "", 0, "~ spec.replicas"
    ),
    "another image": (["--image", "other:1"], "", 1, '+ spec.image: "other:1"'),
    "another command": (["--patch", PATCH], "", 1, "spec.command"),
    "its end": (["--delete"], "", 4, "- the whole object"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_goes_as_far_as_its_risk_allows(hive: Machine, bot: str, change: str) -> None:
    words, text, code, line = CHANGES[change]
    asking = as_user(hive, f"asker-{bot}")
    asked = ["propose", bot, *words, "--reason", "a test"]

    trial = asking.run(*asked, "--dry-run", input=text)
    done = asking.run(*asked, "--wait", "--timeout", "40" if code != 1 else "3", input=text)

    assert (trial.returncode, line in trial.stdout) == (0, True), trial
    assert "Nothing was made" in trial.stderr
    assert done.returncode == code, done
    assert {0: "Merged", 1: "Reviewing", 4: "Blocked"}[code] in done.stderr
    assert line in hive("diff", done.stdout.split()[0])


def test_another_kind_is_proposed_too_and_never_a_secret(hive: Machine, bot: str) -> None:
    hive.kubectl("create", "configmap", f"notes-{bot}", "--from-literal=a=b")
    asked = [f"configmap/notes-{bot}", "--patch", '{"data": {"a": "c"}}']

    name = propose(hive, *asked)
    assert settled(hive, name, "Blocked")["risk"] >= 0.7
    hive("approve", name, "--yes", "--reason", "I have looked")
    settled(hive, name, "Merged")

    assert hive.kubectl.json("get", "configmap", f"notes-{bot}")["data"] == {"a": "c"}
    fails(hive.run("propose", "secret/x", "--delete", "--reason", "a test"), 4, "Secret")


WRONG: dict[str, tuple[list[str], int, str]] = {
    "nothing": (["bot"], 2, "--replicas"),
    "two changes": (["bot", "--delete", "--replicas", "2"], 2, "one of"),
    "no number": (["bot", "--replicas", "many"], 2, "many"),
    "a broken file": (["bot", "--patch", "{"], 2, "JSON or YAML"),
    "no file": (["bot", "-f", "/nowhere"], 1, "/nowhere"),
    "a bad path": (["bot", "--set", "config"], 2, "PATH=VALUE"),
    "a strange kind": (["what/ever", "--delete", "--dry-run"], 3, "knows no what"),
    "a strange name": (["../../etc", "--delete"], 2, "no target"),
    "a dry run's name": (["bot", "--delete", "--dry-run", "-o", "name"], 2, "makes nothing that has a name"),
    "operations as an object": (["bot", "--patch", "[]", "--dry-run"], 2, "a partial object"),
    "a number beyond all": (["bot", "--replicas", "9" * 30, "--dry-run"], 2, "64-bit"),
    "nobody": (["nobody", "--replicas", "2", "--dry-run"], 1, "nobody"),
    "a strange type": (["bot", "--replicas", "2", "--type", "odd"], 2, "odd"),
    "a broken time": (["bot", "--replicas", "2", "--ttl", "soon"], 2, "soon"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_meant_is_said_in_one_line(hive: Machine, case: str) -> None:
    words, code, said = WRONG[case]
    fails(hive.run("propose", *words, "--reason", "a test"), code, said)


def test_what_is_blocked_is_lifted_by_a_person_who_says_why_and_yes(hive: Machine, bot: str) -> None:
    name = propose(hive, bot, "--delete")
    settled(hive, name, "Blocked")

    fails(hive.run("approve", name), 4, "written reason")
    fails(hive.run("approve", name, "--reason", "old"), 2, "--yes")
    assert "is approved" in hive("approve", name, "--reason", "old", "--yes")

    settled(hive, name, "Merged")
    eventually(lambda: hive.run("status", bot, "--require-live").returncode == 3)
    hive("run", bot, "--", "sleep", "1000")


def test_an_approval_is_of_the_diff_that_was_seen(hive: Machine, bot: str) -> None:
    name = propose(hive, bot, "--image", "other:1")
    settled(hive, name, "Reviewing")

    fails(hive.run("approve", name, "--digest", "sha256:" + "0" * 64), 4, "diff")
    fails(as_user(hive, f"asker-{name}").run("approve", name), 4, "himself")

    hive("approve", name)
    assert settled(hive, name, "Merged")["approved"]


def test_a_rejection_needs_a_reason_and_ends_it(hive: Machine, bot: str) -> None:
    name = propose(hive, bot, "--image", "other:1")
    settled(hive, name, "Reviewing")

    assert hive.run("reject", name).returncode == 2
    hive("reject", name, "--reason", "not today")

    settled(hive, name, "Rejected")
    assert "not today" in hive("proposals", name)
    assert hive.run("approve", name).returncode in (1, 4)


def test_a_merged_change_is_taken_back(hive: Machine, bot: str) -> None:
    name = propose(hive, bot, "--replicas", "2")
    settled(hive, name, "Merged")

    hive("rollback", name, "--reason", "too many")

    settled(hive, name, "RolledBack")
    assert hive.json("status", bot, "--require-live")["item"]["replicas"] == 1
    assert "taken back" in hive("why", bot)


def test_every_decision_is_an_event_and_in_the_record(hive: Machine, bot: str) -> None:
    name = propose(hive, bot, "--image", "other:1")
    settled(hive, name, "Reviewing")
    hive("approve", name, "--reason", "fine")
    settled(hive, name, "Merged")

    told = {
        one["reason"] for one in hive.kubectl.json("get", "events")["items"] if one["involvedObject"]["name"] == name
    }
    assert {"Reviewing", "Approved", "Merged"} <= told
    done = hive.run("audit", "--since", "1h", "--verify")
    assert (name in done.stdout, "chain holds" in done.stderr) == (True, True), done
    entry = next(one for one in hive.json("audit")["items"] if one["name"] == name)
    assert (entry["decidedBy"], entry["phase"]) == ("kubernetes-admin", "Merged")


def test_the_chain_holds_whoever_reads_it(hive: Machine, bot: str) -> None:
    settled(hive, propose(hive, bot, "--replicas", "2"), "Merged")  # whose risk has zeros, which kubectl spells its way
    pid = hive.pid("cortex")
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        done = hive.run("audit", "--verify")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert ("[KUBECTL]" in done.stderr, "chain holds" in done.stderr) == (True, True), done


def test_a_forged_record_is_found(hive: Machine, bot: str) -> None:
    name = propose(hive, bot, "--replicas", "2")
    was = settled(hive, name, "Merged")["diff"]
    write = ("patch", "prop", name, "--subresource=status", "--type=merge", "-p")
    forged, honest = (json.dumps({"status": {"diff": diff}}) for diff in ("~ nothing", was))
    operators = "--as=system:serviceaccount:kgents-system:kgents-operators"

    assert "nobody else writes it" in hive.kubectl.run(*write, forged).stderr
    hive.kubectl(*write, forged, operators)
    fails(hive.run("audit", "--verify"), 1, name)
    hive.kubectl(*write, honest, operators)
    assert hive.run("audit", "--verify").returncode == 0


def test_every_format_shows_the_same_proposal(hive: Machine, bot: str) -> None:
    name = propose(hive, bot, "--image", "other:1")
    settled(hive, name, "Reviewing")

    for words in (["proposals"], ["proposals", name]):
        assert f"proposal.kgents.io/{name}\n" in hive(*words, "-o", "name")
        assert "sha256:" in hive(*words, "-o", "wide")
        assert f"name: {name}" in hive(*words, "-o", "yaml")
    detail = hive("proposals", name)
    assert all(part in detail for part in ("Change\n", "Risk\n", "Evidence\n", "Conditions\n", "+0.5 image"))
    assert name in hive("proposals", "--phase", "reviewing")
    assert name not in hive("proposals", "--phase", "Merged")
    fails(hive.run("proposals", "--phase", "odd"), 2, "odd")
    fails(hive.run("proposals", "nobody"), 3, "nobody")


@pytest.fixture(params=["kubectl", "the API itself"])
def without_cortex(request: pytest.FixtureRequest, hive: Machine, tmp_path: Path) -> Iterator[Machine]:
    """The hive with a Cortex that hangs; with kubectl on the PATH, or without."""
    pid = hive.pid("cortex")
    assert pid
    os.kill(pid, signal.SIGSTOP)
    if request.param == "kubectl":
        (tmp_path / "kubectl").symlink_to(Path(sys.executable).with_name("kubectl"))
    yield Machine(hive.root, {"PATH": str(tmp_path)})
    os.kill(pid, signal.SIGCONT)


def test_all_of_it_goes_without_cortex(without_cortex: Machine, bot: str) -> None:
    hive = without_cortex
    name = f"p-{next(_numbers)}"
    hive("propose", bot, "--image", "other:1", "--reason", "a test", "--name", name)
    look: Callable[[], dict[str, Any]] = lambda: hive.json("proposals", name, "--require-live")["item"]  # noqa: E731
    eventually(lambda: look()["phase"] == "Reviewing")
    assert '+ spec.image: "other:1"' in hive("diff", name)
    hive("approve", name, "--reason", "fine")
    eventually(lambda: look()["phase"] == "Merged")
    assert f"proposal {name}, approved by kubernetes-admin" in hive("why", bot)
    assert "+0.5 image" in hive("why", name)
    assert name in hive("audit")
    hive("rollback", name)
    eventually(lambda: look()["phase"] == "RolledBack")
    assert "Decision" in hive("proposals", name, "--require-live")


@pytest.fixture
def frozen(hive: Machine) -> Iterator[Machine]:
    """The hive, while it is frozen."""
    hive("freeze", "--yes", "--reason", "a storm")
    yield hive
    hive("thaw")


LINE = "✱ FROZEN by kubernetes-admin since "
SCREENS = [
    ["status"],
    ["observe"],
    ["proposals"],
    ["infra", "status"],
    ["status", "-o", "wide"],
    ["status", "-o", "name"],
]


def tells(hive: Machine, *words: str) -> bool:
    line = hive.run(*words).stderr.count(LINE)
    said = hive.json(*[word for word in words if word not in ("-o", "wide", "name")])
    about = said.get("frozen", {})
    return (line, about.get("by"), about.get("reason")) == (1, "kubernetes-admin", "a storm")


def test_every_screen_says_that_the_hive_is_frozen(frozen: Machine) -> None:
    for words in SCREENS:
        eventually(lambda words=words: tells(frozen, *words))  # type: ignore[misc]


@pytest.mark.parametrize("words", [["--ghost"], ["--require-live"]])
def test_a_freeze_is_known_without_cortex(frozen: Machine, words: list[str]) -> None:
    eventually(lambda: tells(frozen, "status", "--ghost"))
    pid = frozen.pid("cortex")
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        assert tells(frozen, "status", *words)
        assert tells(frozen, "observe", *words)
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_thawed_hive_says_nothing_of_it(hive: Machine) -> None:
    hive("freeze", "--yes")
    hive("thaw")
    for words in (["status"], ["status", "--require-live"], ["status", "--ghost"]):
        eventually(lambda words=words: "frozen" not in hive.json(*words))  # type: ignore[misc]


def test_a_frozen_hive_merges_what_it_has_approved_once_it_is_thawed(hive: Machine, bot: str) -> None:
    hive("freeze", "--yes", "--reason", "a storm")
    name = propose(hive, bot, "--replicas", "2")
    settled(hive, name, "Approved")
    assert hive.run("status", bot).stdout.count("1/1") == 1
    hive("thaw")
    settled(hive, name, "Merged")


def test_a_paused_agent_says_by_whom_and_why(hive: Machine, bot: str) -> None:
    hive("pause", bot, "--reason", "it repeats itself")
    told = eventually(lambda: "paused by kubernetes-admin: it repeats itself" in hive("status", bot, "-o", "wide"))
    assert told and hive.json("status", bot)["item"]["phase"] == "Suspended"
    events = hive.kubectl.json("get", "events")["items"]
    assert "Paused" in {one["reason"] for one in events if one["involvedObject"]["name"] == bot}
    hive("resume", bot)
    eventually(lambda: hive.json("status", bot)["item"]["phase"] == "Running")


def test_a_stream_tells_of_a_freeze_of_work_and_of_its_end(hive: Machine, bot: str) -> None:
    stream = hive.popen("observe", "-f", "--type", "WARNING", "-o", "wide")
    try:
        words = ["--half-life", "2s", "--claimable", "--caused-by", "orders.log line 1182"]
        hive("signal", "emit", "WARNING", "--payload", bot, "--target", bot, *words)
        hive("freeze", "--yes")
        hive("thaw")
        lines = []
        for line in stream.stdout or ():
            lines.append(line)
            if line.startswith("- "):
                break
    finally:
        stream.terminate()
        stream.wait()
    text = "".join(lines)
    assert (text.count(LINE), text.count("the hive is thawed"), text.count(bot)) == (1, 1, 4), text
    assert [line[0] for line in lines if bot in line] == ["+", "-"]


def test_an_umwelt_binds_and_what_it_refuses_is_counted_and_told(hive: Machine, bot: str) -> None:
    umwelt = json.dumps({"spec": {"umwelt": {"senses": {"sense": ["WARNING"], "emit": ["TEST"]}}}})
    hive.kubectl("patch", "agent", bot, "--type=merge", "-p", umwelt)
    chaos = {"apiVersion": "kgents.io/v1", "kind": "Pheromone", "metadata": {"generateName": "x-"}}
    said = json.dumps({**chaos, "spec": {"type": "CHAOS", "source": bot}})
    emit = ("create", "-f", "-", f"--as=system:serviceaccount:default:{bot}")
    eventually(lambda: f"its umwelt lets {bot} emit TEST" in hive.kubectl.run(*emit, input=said).stderr)
    hive.kubectl.run(*emit, input=said)

    eventually(lambda: hive.json("status", bot, "--require-live")["item"]["refusedWrites"] >= 2)
    assert "writes were refused by the policy gate" in hive("status", bot)
    events = hive.kubectl.json("get", "events")["items"]
    assert "WriteRefused" in {one["reason"] for one in events if one["involvedObject"]["name"] == bot}

    for type, words in (
        ("WARNING", []),
        ("CHAOS", []),
        ("WARNING", ["--target", "bee"]),
        ("WARNING", ["--target", bot]),
    ):
        hive("signal", "emit", type, "--payload", f"{type} for {bot}", "--half-life", "1h", *words)
    for layer in ([], ["--require-live"], ["--ghost"]):

        def sensed(layer: list[str] = layer) -> list[tuple[str, str | None]]:
            found = hive.json("observe", "--as", bot, *layer)["items"]
            return [(one["type"], one["target"]) for one in found if one["payload"].endswith(f"for {bot}")]

        eventually(lambda: len(sensed()) > 1)
        assert set(sensed()) == {("WARNING", None), ("WARNING", bot)}
