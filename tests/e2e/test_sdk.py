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

me = sdk.agent(sys.argv[1], own_account=True)
with me.claim("INTENT") as work:
    if not work:
        threading.Event().wait()  # the other replica, that our own proposal has made
    heard = [one.payload for one in me.sense("SCARCITY")]
    said = me.emit("STATE", f"did {work.payload}", caused_by=[work.signal])
    asked = me.propose({"spec": {"replicas": 2}}, reason="more of me", caused_by=[said])
try:
    me.emit("CHAOS")
except sdk.Refused as error:
    refused = error.fix
me.remember("answers", me.recall("answers", []) + [work.payload])
me.memory.append("answers", "more")
done = [me.recall("answers"), heard, said.source == me.name, asked.wait(100), refused]
done.append(me.umwelt.affords("self.deployment.manifest"))
me.think("done " + json.dumps(done))
me.emit("TEST", json.dumps(done))
if len(sys.argv) > 2:
    threading.Event().wait()  # an agent's program does not end
"""
UMWELT = {
    "affordances": ["self.deployment.manifest"],
    "autonomy": {"replicas": {"min": 0, "max": 3}},
    "senses": {"sense": ["INTENT", "SCARCITY"], "emit": ["STATE", "TEST"]},
}
MEMORY = {"memory": {"enabled": True, "type": "KeyValue", "size": "8Mi"}}
DONE = [["a thing", "more"], ["of ideas"], True, "Merged", "Add it to its umwelt's senses.emit", True]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("program") / "twin.py"
    path.write_text(PROGRAM)
    return path


@pytest.fixture(scope="module")
def world(hive: Hive) -> sdk.Agent:
    """Somebody who says what the twins should hear and do."""
    world = hive.person("world")
    world.emit("SCARCITY", "of ideas")
    world.emit("SCARCITY", "not yours", target="somebody-else")
    for twin in ("inner", "outer"):
        world.emit("INTENT", "a thing", claimable=True, target=twin)
    return world


def told(hive: Hive, twin: str) -> object:
    """What a twin has said in the end."""
    said = hive.wait_for(lambda: [one for one in hive.signals("TEST") if one.source == twin], timeout=120)
    return json.loads(said[0].payload)


def test_a_program_works_in_a_pod(hive: Hive, program: Path, world: sdk.Agent) -> None:
    command = [sys.executable, program.name, "inner", "stay"]
    hive.run("inner", command, cwd=program.parent, umwelt=UMWELT, symbionts=MEMORY)
    assert told(hive, "inner") == DONE
    assert 'done [["a thing", "more"]' in hive.log("inner")


def test_the_same_program_works_the_same_outside(hive: Hive, program: Path, world: sdk.Agent, tmp_path: Path) -> None:
    hive.agent("outer", umwelt=UMWELT)
    own = {"PYTHONPATH": os.pathsep.join(sys.path), "KGENTS_HOME": str(tmp_path)}
    command = [sys.executable, str(program), "outer"]
    subprocess.run(command, env=hive.environment | own, check=True, timeout=150)
    assert told(hive, "outer") == DONE


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


def test_work_whose_holder_is_gone_comes_to_another_and_done_work_goes(hive: Hive) -> None:
    first, second = hive.agent("mortal"), hive.agent("heir")
    made = first.emit("OPPORTUNITY", "inheritance", claimable=True)
    assert first.claim("OPPORTUNITY", seconds=1)
    with next(second.work("OPPORTUNITY")) as work:
        assert work.payload == "inheritance"
    hive.wait_for(lambda: made.name not in [one.name for one in hive.signals()])
