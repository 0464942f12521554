"""Signals and work, with an agent's own token, against a real API server with the policies."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kgents import sdk
from kgents.api import times
from tests.integration.sdk.conftest import AgentOf
from tests.support.kubectl import Kubectl
from tests.support.waiting import eventually


def test_what_is_said_is_sensed_the_strongest_first(agent_of: AgentOf) -> None:
    me = agent_of("crier")
    me.emit("STATE", "faint", intensity=0.2)
    me.emit("state", "loud", intensity=0.9, half_life="1h")
    heard = me.sense("STATE")
    assert [one.payload for one in heard] == ["loud", "faint"]
    assert heard[0].source == "crier"
    assert me.sense("STATE", least=0.5) == heard[:1]


def test_what_is_meant_for_one_is_sensed_by_him_alone(agent_of: AgentOf) -> None:
    me, other, third = agent_of("whisperer"), agent_of("listener"), agent_of("eavesdropper")
    me.emit("NARRATIVE", "for your ears", target="listener")
    assert [one.payload for one in other.sense("NARRATIVE")] == ["for your ears"]
    assert third.sense("NARRATIVE") == []


def test_an_agent_cannot_speak_for_another(agent_of: AgentOf) -> None:
    me = agent_of("mimic")
    me.name = "somebody"
    with pytest.raises(sdk.Refused, match="an agent signals in its own name"):
        me.emit("WARNING")


def test_causes_and_their_traces_go_along(agent_of: AgentOf, admin: Kubectl) -> None:
    me = agent_of("chain")
    first = me.emit("DREAM", caused_by=["order 1182 failed"])
    second = me.emit("METAPHOR", caused_by=[first])
    [cause] = second.obj["spec"]["causedBy"]
    assert (cause["uid"], cause["snapshot"]["type"]) == (first.uid, "DREAM")
    assert admin.json("get", "pheromone", first.name)["spec"]["causedBy"] == [
        {"snapshot": {"line": "order 1182 failed"}}
    ]


def test_the_umwelt_narrows_what_is_said_and_sensed(agent_of: AgentOf, admin: Kubectl) -> None:
    agent_of("babbler").emit("CHAOS")
    told = '{"senses": {"sense": ["WARNING"], "emit": ["STATE"]}}'
    admin("create", "configmap", "narrow", f"--from-literal=umwelt.json={told}")
    me = agent_of("narrow")
    with pytest.raises(sdk.Refused, match="narrow does not emit CHAOS"):
        me.emit("CHAOS")
    assert me.sense("CHAOS") == []
    assert me.emit("STATE").type == "STATE"


def test_each_piece_of_work_is_had_by_one(agent_of: AgentOf) -> None:
    agents = [agent_of(f"worker-{number}") for number in range(3)]
    for number in range(12):
        agents[0].emit("INTENT", f"piece {number}", claimable=True, intensity=(number + 1) / 12)
    had: list[str] = []

    def work(me: sdk.Agent) -> None:
        while piece := me.claim("INTENT"):
            with piece:
                had.append(piece.payload)

    with ThreadPoolExecutor(6) as pool:
        # Two replicas of each: one name, and still nothing is done twice.
        list(pool.map(work, agents * 2))
    assert sorted(had) == sorted(f"piece {number}" for number in range(12))


def test_work_that_failed_is_free_again_and_what_is_done_is_not(agent_of: AgentOf) -> None:
    me, other = agent_of("clumsy"), agent_of("deft")
    made = me.emit("OPPORTUNITY", "lift", claimable=True)
    with pytest.raises(ZeroDivisionError), me.claim("OPPORTUNITY") as work:
        assert not other.claim("OPPORTUNITY")
        raise ZeroDivisionError
    assert work.signal is not None
    assert work.signal.name == made.name
    with other.claim("OPPORTUNITY") as work:
        assert work.payload == "lift"
    assert not me.claim("OPPORTUNITY")
    assert me.sense("OPPORTUNITY") == []


def test_who_is_late_is_told_so_and_spoils_nothing(agent_of: AgentOf) -> None:
    me = agent_of("sleeper")
    me.emit("CAPABILITY", claimable=True)
    late = me.claim("CAPABILITY", seconds=0.01)
    again = eventually(lambda: me.claim("CAPABILITY"))
    with pytest.raises(sdk.ClaimLost, match="not ours any more"):
        late.done()
    with pytest.raises(sdk.ClaimLost):
        late.renew(60)
    again.renew(120)
    again.done()


def test_a_claim_is_renewed_for_an_hour_at_most(agent_of: AgentOf) -> None:
    me = agent_of("keeper")
    me.emit("MEMORY", claimable=True)
    work = me.claim("MEMORY", seconds=5)
    work.renew(10 * 3600)
    assert work.signal is not None
    until = times.parse(work.signal.obj["status"]["claimedUntil"])
    assert until is not None
    assert time.time() + 5 < until <= time.time() + 3600


def test_a_person_claims_in_his_own_name(agent_of: AgentOf) -> None:
    me = agent_of("visitor", own_account=False)
    me.emit("REVIEW_REQUEST", claimable=True)
    with me.claim("REVIEW_REQUEST") as work:
        assert work.signal is not None
        assert work.signal.claimed_by == "kubernetes-admin"


def test_signals_are_followed_from_what_is_there_on(agent_of: AgentOf) -> None:
    me = agent_of("follower")
    me.emit("TEST", "before")
    with me.follow("TEST") as signals:
        assert next(signals).payload == "before"
        me.emit("WARNING", "not this")
        me.emit("TEST", "after")
        assert next(signals).payload == "after"


def test_following_ends_in_its_time_and_when_it_is_told_to(agent_of: AgentOf) -> None:
    me = agent_of("ender")
    assert list(me.follow("SCARCITY", seconds=0.5)) == []
    signals = me.follow("SCARCITY")
    seen: list[Any] = []
    reader = threading.Thread(target=lambda: seen.extend(signals))
    reader.start()
    me.emit("SCARCITY", "one")
    eventually(lambda: len(seen) == 1)
    signals.close()
    reader.join(30)
    assert not reader.is_alive()


def test_work_comes_as_it_is_asked_for_and_again_when_it_is_given_back(agent_of: AgentOf) -> None:
    me = agent_of("steady")
    me.emit("METAPHOR", "no work at all")
    me.emit("METAPHOR", "first", claimable=True)
    pieces = me.work("METAPHOR")
    first = next(pieces)
    me.emit("METAPHOR", "second", claimable=True)
    second = next(pieces)
    first.release()
    again = next(pieces)
    assert [first.payload, second.payload, again.payload] == ["first", "second", "first"]
    again.done()
    second.done()
