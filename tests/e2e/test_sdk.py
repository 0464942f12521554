"""The SDK in a real hive: the same program in a pod, and outside with the agent's own account."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kgents import sdk
from kgents.sdk.testing import Hive

pytestmark = pytest.mark.e2e

PROGRAM = """
import json, sys, threading
from kgents import sdk

place, replicas = sys.argv[1:]
me = sdk.agent("twin", own_account=True)
with me.claim("INTENT") as work:
    if not work:
        threading.Event().wait()  # another replica, that our own proposal has made
    heard = [one.payload for one in me.sense("SCARCITY")]
    said = me.emit("STATE", f"did {work.payload}", caused_by=[work.signal])
    asked = me.propose({"spec": {"replicas": int(replicas)}}, reason=f"asked from {place}", caused_by=[said])
try:
    me.emit("CHAOS")
except sdk.Refused as error:
    refused = error.what
done = [work.payload, heard, said.source, asked.wait(60), refused, me.umwelt.affords("self.deployment.manifest")]
me.think("done " + json.dumps([place, done]))
sdk.agent("twin").emit("TEST", json.dumps(done), target=place)
if place == "pod":
    threading.Event().wait()
"""
UMWELT = {
    "affordances": ["self.deployment.manifest"],
    "autonomy": {"replicas": {"min": 1, "max": 3}},
    "senses": {"sense": ["INTENT", "SCARCITY"], "emit": ["STATE", "TEST"]},
}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("program") / "twin.py"
    path.write_text(PROGRAM)
    return path


def test_a_program_does_the_same_in_a_pod_and_outside_of_one(hive: Hive, program: Path) -> None:
    hive.policy({"bake": "1s"})
    world = hive.person("world")
    world.emit("SCARCITY", "of ideas")
    world.emit("SCARCITY", "not yours", target="somebody-else")
    hive.agent("twin", umwelt=UMWELT)
    told = []
    for place, replicas in (("outside", "2"), ("pod", "3")):
        world.emit("INTENT", "a thing", claimable=True)
        if place == "pod":
            hive.run("twin", [sys.executable, program.name, place, replicas], cwd=program.parent, umwelt=UMWELT)
        else:
            environment = {**hive.environment, "PYTHONPATH": os.pathsep.join(sys.path)}
            subprocess.run([sys.executable, str(program), place, replicas], env=environment, check=True, timeout=120)
        [answer] = hive.wait_for(lambda place=place: [one for one in hive.signals("TEST") if one.target == place])
        told.append(json.loads(answer.payload))
    expected = ["a thing", ["of ideas"], "twin", "Merged", "twin does not emit CHAOS", True]
    assert told == [expected, expected]
    assert 'done ["pod"' in hive.log("twin")


def test_an_agent_that_was_not_there_has_its_own_token_and_the_law_holds_for_it(hive: Hive) -> None:
    me = hive.agent("novice")
    assert me.emit("STATE", "here").source == "novice"
    with pytest.raises(sdk.Refused):
        me.propose({"spec": {"replicas": 2}}, reason="more of me").refresh()
    assert [one.name.startswith("novice-") for one in hive.proposals("novice")] == [True]


def test_reactions_are_read_outside_of_the_pod_too(hive: Hive) -> None:
    hive.apply(
        "startled",
        {
            "command": ["true"],
            "replicas": 0,
            "reactions": [{"type": "WARNING", "minIntensity": 0.5, "then": {"file": "careful"}}],
        },
    )
    me = hive.agent("startled")
    assert not me.reaction("careful")
    hive.person("alarm").emit("WARNING", intensity=0.9, half_life="1h")
    reaction = hive.wait_for(lambda: me.reaction("careful"))
    assert (reaction.type, reaction.active) == ("WARNING", True)


def test_a_program_that_does_not_run_is_told_with_its_log(hive: Hive) -> None:
    deaf = "import threading; print('no such luck', flush=True); threading.Event().wait()"
    ports = [{"containerPort": 8080}]
    with pytest.raises(sdk.KgentsError, match="no such luck"):
        hive.run("hopeless", [sys.executable, "-c", deaf], timeout=5, ports=ports, health={"type": "HTTP"})
    hive.delete("hopeless")
