"""A whole hive whose operators, and T-gent with them, are dead or hang: the gate holds, and nobody is locked out."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.rogue import DONE, IDLE, Rogue
from tests.support.machine import Machine
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e
DECIDE = ("create", "clusterrole", "decide", "--verb=get,list,patch,approve", "--resource=proposals.kgents.io")
EDIT = ("create", "clusterrole", "edit-agents", "--verb=*", "--resource=agents.kgents.io")


@pytest.fixture(scope="module")
def hive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """ann and bob may decide and change agents; dora may decide only."""
    machine = Machine(tmp_path_factory.mktemp("hive"))
    machine("infra", "init")
    spec = {"command": IDLE}
    body = {"apiVersion": "kgents.io/v1", "kind": "Agent", "metadata": {"name": "bot"}, "spec": spec}
    machine.kubectl("create", "-f", "-", input=json.dumps(body))
    for words in (DECIDE, EDIT):
        machine.kubectl(*words)
    machine.kubectl("create", "clusterrole", "propose", "--verb=create", "--resource=proposals.kgents.io")
    for role, people in (("decide", "ann bob dora"), ("edit-agents", "ann bob"), ("propose", "ann bob dora")):
        users = [f"--user={one}" for one in people.split()]
        machine.kubectl("create", "clusterrolebinding", role, f"--clusterrole={role}", *users)
    eventually(lambda: machine.agents()["bot"]["phase"] == "Running")
    yield machine
    machine.clear()


@pytest.fixture(scope="module")
def bot(hive: Machine) -> Rogue:
    return Rogue.turn(hive, "bot")


def operators_of(hive: Machine) -> int:
    """The pid of operators that live; 0: there are none now."""
    pid = hive.pid("operators")
    command = Path(f"/proc/{pid}/cmdline")
    return pid if pid and command.exists() and command.read_bytes() else 0


@contextmanager
def without_operators(hive: Machine, how: signal.Signals) -> Iterator[None]:
    """Dead (SIGKILL) while nobody may start them again, or hanging (SIGSTOP)."""
    supervisor, operators = hive.supervisor()["pid"], eventually(lambda: operators_of(hive))
    os.kill(supervisor, signal.SIGSTOP)
    os.kill(operators, how)
    try:
        yield
    finally:
        if how is signal.SIGSTOP:
            os.kill(operators, signal.SIGCONT)
        os.kill(supervisor, signal.SIGCONT)


def says(hive: Machine, who: str, *words: str, input: str | None = None) -> str:
    done = hive.kubectl.run(*words, "--as", who, input=input)
    return DONE if done.returncode == 0 else done.stderr


def decide(hive: Machine, who: str, name: str, **decision: Any) -> str:
    patch = json.dumps({"spec": {"decision": {"by": who, **decision}}})
    return says(hive, who, "patch", "proposal", name, "--type=merge", "-p", patch)


def propose(hive: Machine, who: str, name: str, content: Any) -> str:
    target = {"kind": "Agent", "name": "bot"}
    spec = {"target": target, "patch": {"content": content}, "reason": "x", "proposer": who}
    body = {"apiVersion": "kgents.io/v1", "kind": "Proposal", "metadata": {"name": name}, "spec": spec}
    return says(hive, who, "create", "-f", "-", input=json.dumps(body))


def phase(hive: Machine, name: str) -> str:
    status = hive.kubectl.json("get", "proposal", name).get("status") or {}
    return str(status.get("phase", "Pending"))


def test_who_holds_approve_is_held_to_the_rest_with_the_operators_dead(hive: Machine) -> None:
    assert propose(hive, "bob", "held", {"spec": {"env": [{"name": "LD_PRELOAD", "value": "x"}]}}) == DONE
    eventually(lambda: phase(hive, "held") == "Reviewing")
    seen = hive.kubectl.json("get", "proposal", "held")["status"]["diffDigest"]
    with without_operators(hive, signal.SIGKILL):
        own = decide(hive, "bob", "held", approved=True, diffDigest=seen)
        weak = decide(hive, "dora", "held", approved=True, diffDigest=seen)
        blind = decide(hive, "ann", "held", approved=True, diffDigest="sha256:other")
        named = decide(hive, "ann", "held", approved=True, diffDigest=seen, by="bob")
        right = decide(hive, "ann", "held", approved=True, diffDigest=seen)
    assert "what he proposed himself" in own
    assert "dora may not patch agents bot" in weak
    assert "not the one that you name" in blind
    assert "must be who decides" in named
    assert right == DONE
    eventually(lambda: phase(hive, "held") == "Merged")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["dead", "hanging"])
def test_without_t_gent_agents_wait_and_nobody_else_does(hive: Machine, bot: Rogue, how: signal.Signals) -> None:
    with without_operators(hive, how):
        asked = bot.propose({"spec": {"replicas": 2}})
        signalled = bot.create("Pheromone", {"type": "WARNING", "source": "bot"})
        person = propose(hive, "ann", f"person-{how.name.lower()}", {"spec": {"replicas": 1}})
        edited = says(hive, "ann", "label", "agent", "bot", f"while={how.name.lower()}", "--overwrite")
        frozen = hive.run("freeze", "--reason", "storm", "--yes")
        iced = bot.create("Pheromone", {"type": "WARNING", "source": "bot"})
        thawed = hive.run("thaw")
    assert 'failed calling webhook "proposals.tgent.kgents.io"' in asked
    assert (signalled, person, edited) == (DONE, DONE, DONE)
    assert (frozen.returncode, thawed.returncode) == (0, 0), frozen.stderr + thawed.stderr
    assert "the hive is frozen by" in iced


def test_t_gent_comes_back_by_itself_with_a_new_certificate(hive: Machine, bot: Rogue) -> None:
    def registered() -> str:
        hooks = hive.kubectl.json("get", "validatingwebhookconfiguration", "kgents-tgent")["webhooks"]
        return str(hooks[0]["clientConfig"])

    pid, before = eventually(lambda: operators_of(hive)), registered()
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: registered() != before)
    eventually(lambda: bot.propose({"spec": {"replicas": 2}}) == DONE)


def test_one_human_alone_may_approve_his_own_and_is_told_so(hive: Machine) -> None:
    assert "kubernetes-admin alone may approve what he proposed himself" in hive.run("infra", "init").stderr
    assert hive.run("propose", "bot", "--image", "new", "--reason", "x").returncode == 0
    found = hive.kubectl.json("get", "proposals")["items"]
    [name] = [one["metadata"]["name"] for one in found if one["spec"]["proposer"] == "kubernetes-admin"]
    eventually(lambda: phase(hive, name) == "Reviewing")
    assert hive.run("approve", name).returncode == 0
    eventually(lambda: phase(hive, name) in ("Approved", "Merged", "RolledBack"))
