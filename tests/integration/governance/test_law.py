"""The policies, with every process of kgents dead: what they refuse, and what they say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kgents.infra import manifests
from tests.integration.governance.court import BOT, DONE, MERGER, OPERATORS, Court

BLOCKS: list[dict[str, Any]] = [
    {"template": {"spec": {"hostNetwork": True}}},
    {"template": {"spec": {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}}},
    {"template": {"spec": {"containers": [{"name": "main", "securityContext": {"privileged": True}}]}}},
    {"template": {"spec": {"initContainers": [{"name": "x", "securityContext": {"capabilities": {"add": ["ALL"]}}}]}}},
]


def test_a_proposal_says_truly_who_asks(court: Court) -> None:
    assert "spec.proposer is ann, but you are" in court.proposal(BOT, "forged", proposer="ann")
    assert court.proposal(BOT, "honest") == DONE


def test_a_proposal_is_not_born_decided(court: Court) -> None:
    decision = {"approved": True, "diffDigest": "x", "by": "bob"}
    assert "not born with a decision" in court.proposal("bob", "decided", decision=decision)


def test_an_agent_proposes_in_its_own_namespace(court: Court) -> None:
    court.kubectl("create", "namespace", "elsewhere")
    target = {"kind": "Agent", "name": "other", "namespace": "elsewhere"}
    assert "in its own namespace" in court.proposal(BOT, "far", target=target)
    assert court.proposal("bob", "person-far", target=target) == DONE


def test_somebody_else_with_a_reason_may_lift_a_block(court: Court) -> None:
    name = court.assessed("lift", "Blocked")
    assert "with a written reason only" in court.decide("ann", name, approved=True, diffDigest="seen")
    assert "with a written reason only" in court.decide("ann", name, approved=True, diffDigest="seen", reason=" \n")
    assert court.decide("ann", name, approved=True, diffDigest="seen", reason="I looked") == DONE


def test_nobody_approves_his_own(court: Court) -> None:
    name = court.assessed("own")
    assert "what he proposed himself" in court.decide("bob", name, approved=True, diffDigest="seen")


def test_one_person_alone_may_be_let_off_four_eyes(court: Court) -> None:
    name = court.assessed("alone")
    court.law("kgents-policy", {"approver.solo": "bob"})
    said = court.decide("bob", name, approved=True, diffDigest="seen")
    court.law("kgents-policy", {"approver.solo": None})
    assert said == DONE


def test_nobody_approves_what_he_could_not_do_himself(court: Court) -> None:
    name = court.assessed("weak")
    court.kubectl("create", "role", "decide", "--verb=get,patch,approve", "--resource=proposals.kgents.io")
    court.kubectl("create", "rolebinding", "dora", "--role=decide", "--user=dora")
    assert "dora may not patch agents bot" in court.decide("dora", name, approved=True, diffDigest="seen")


def test_who_does_not_hold_approve_does_not_decide(court: Court) -> None:
    name = court.assessed("edit")
    court.kubectl("create", "role", "edit-only", "--verb=get,patch", "--resource=proposals.kgents.io")
    court.kubectl("create", "rolebinding", "emil", "--role=edit-only", "--user=emil")
    assert "it takes the verb approve" in court.decide("emil", name, approved=False, reason="no")


def test_nobody_approves_a_diff_that_he_did_not_see(court: Court) -> None:
    name = court.assessed("changed")
    assert "not the one that you name" in court.decide("ann", name, approved=True, diffDigest="other")


def test_nobody_decides_in_anothers_name(court: Court) -> None:
    name = court.assessed("named")
    assert "must be who decides, ann" in court.decide("ann", name, approved=True, diffDigest="seen", by="carl")


def test_an_agent_never_decides(court: Court) -> None:
    name = court.assessed("robot")
    assert "an agent never decides" in court.decide(BOT, name, approved=True, diffDigest="seen")


def test_what_nobody_has_assessed_cannot_be_approved(court: Court) -> None:
    assert court.proposal("bob", "raw") == DONE
    assert "only what is Reviewing or Blocked" in court.decide("ann", "raw", approved=True, diffDigest="seen")


def test_only_what_is_merged_is_rolled_back(court: Court) -> None:
    name = court.assessed("back")
    assert "only what is Merged" in court.decide("ann", name, rollback=True)
    assert court.status(OPERATORS, "proposal", name, phase="Merged") == DONE
    assert "too late to reject" in court.decide("ann", name, approved=False, reason="no")
    assert court.decide("ann", name, rollback=True) == DONE


def test_a_decision_is_not_taken_away(court: Court) -> None:
    name = court.assessed("taken")
    assert court.decide("ann", name, approved=False, reason="no") == DONE
    patch = '[{"op": "remove", "path": "/spec/decision"}]'
    assert "is not taken away" in court.says("ann", "patch", "proposal", name, "--type=json", "-p", patch)


OWN = [("Agent", {"command": ["x"]}), ("Memory", {"owner": "bot"}), ("Umwelt", {"agent": "bot"})]


@pytest.mark.parametrize(("kind", "spec"), OWN)
def test_an_agent_changes_neither_itself_nor_what_it_may_do(court: Court, kind: str, spec: dict[str, object]) -> None:
    assert "propose the change" in court.create(BOT, kind, "own", spec)
    assert court.create("ann", kind, "own", spec) == DONE
    assert "agents do not change" in court.says(BOT, "delete", kind.lower(), "own")


def test_an_agent_changes_nothing_of_the_hive(court: Court) -> None:
    patch = ("patch", "configmap", "kgents-freeze", "-n", "kgents-system", "--type=merge", "-p", '{"data": {"a": "b"}}')
    assert "what belongs to the hive itself is changed by people" in court.says(BOT, *patch)


def test_one_who_is_allowed_is_no_agent(court: Court) -> None:
    deployer = "system:serviceaccount:default:deployer"
    spec = {"command": ["sleep", "1"]}
    assert "propose the change" in court.create(deployer, "Agent", "deployed", spec)
    court.law("kgents-policy", {"allow": f"system:serviceaccount:a:b,{deployer}"})
    said = court.create(deployer, "Agent", "deployed", spec)
    court.law("kgents-policy", {"allow": None})
    assert said == DONE


def test_an_agent_signals_in_its_own_name(court: Court) -> None:
    assert "in its own name: spec.source must be bot" in court.signal(BOT, "forged", source="other")
    assert court.signal(BOT, "mine") == DONE


def test_only_the_operators_write_a_status(court: Court) -> None:
    name = court.assessed("status")
    assert "nobody else writes it" in court.status("ann", "proposal", name, phase="Approved")


def test_a_claim_is_made_for_oneself_and_only_when_it_is_free(court: Court) -> None:
    until = {"claimedAt": "2026-01-01T00:00:00Z", "claimedUntil": "2026-01-01T00:10:00Z"}
    assert court.signal(BOT, "work", claimable=True) == DONE
    assert "for oneself" in court.status(BOT, "pheromone", "work", claimedBy="other", **until)
    assert court.status(BOT, "pheromone", "work", claimedBy="bot", **until) == DONE
    other = "system:serviceaccount:default:other"
    assert "it is claimed by bot" in court.status(other, "pheromone", "work", claimedBy="other", **until)
    later = {"claimedAt": "2036-01-01T00:10:00Z", "claimedUntil": "2036-01-01T00:20:00Z"}
    assert "it is claimed by bot" in court.status(other, "pheromone", "work", claimedBy="other", **later)
    free = {"claimedBy": None, "claimedAt": None, "claimedUntil": None}
    assert court.status(OPERATORS, "pheromone", "work", **free) == DONE
    assert court.status(other, "pheromone", "work", claimedBy="other", **later) == DONE


def test_a_claim_ends_within_the_hour_and_only_its_holder_says_done(court: Court) -> None:
    assert court.signal(BOT, "chore", claimable=True) == DONE
    long = {"claimedAt": "2026-01-01T00:00:00Z", "claimedUntil": "2026-01-01T02:00:00Z"}
    assert "for an hour at most" in court.status(BOT, "pheromone", "chore", claimedBy="bot", **long)
    done = {"doneAt": "2026-01-01T00:05:00Z"}
    assert "only who has claimed it" in court.status(BOT, "pheromone", "chore", **done)
    until = {"claimedAt": "2026-01-01T00:00:00Z", "claimedUntil": "2026-01-01T00:10:00Z"}
    assert court.status(BOT, "pheromone", "chore", claimedBy="bot", **until) == DONE
    assert court.status(BOT, "pheromone", "chore", **done) == DONE


@pytest.mark.parametrize("spec", BLOCKS, ids=["network", "path", "privileged", "capabilities"])
def test_no_agents_pod_reaches_into_its_host(court: Court, spec: dict[str, object]) -> None:
    assert "denied request: an agent's " in court.create("ann", "Agent", "evil", {"command": ["sleep", "1"], **spec})


def test_a_namespace_may_be_let_off(court: Court) -> None:
    court.kubectl("create", "namespace", "trusted")
    court.kubectl("label", "namespace", "trusted", "kgents.io/privileged=allowed")
    spec = {"command": ["sleep", "1"], **BLOCKS[0]}
    assert court.create("ann", "Agent", "trusted", spec, namespace="trusted") == DONE


def test_a_frozen_hive_takes_no_agents_write_and_no_merge(court: Court) -> None:
    assert court.create("ann", "Agent", "frozen", {"command": ["sleep", "1"]}) == DONE
    patch = ("patch", "agent", "frozen", "--type=merge", "-p", '{"spec": {"replicas": 2}}')
    court.law("kgents-freeze", {"frozen": "true", "by": "ann", "reason": "storm"})
    agent, merge, person = court.signal(BOT, "iced"), court.says(MERGER, *patch), court.says("ann", *patch)
    whoami = court.says(BOT, "auth", "whoami")
    court.law("kgents-freeze", {"frozen": None, "by": None, "reason": None})
    assert "the hive is frozen by ann (storm)" in agent
    assert "nothing is merged until a person says kgents thaw" in merge
    assert (person, whoami) == (DONE, DONE)
    assert court.signal(BOT, "thawed") == DONE


def test_a_paused_agent_does_not_write_and_others_do(court: Court) -> None:
    court.law("kgents-freeze", {"agent.default.bot": "by ann: too loud"})
    paused = court.signal(BOT, "quiet")
    other = court.signal("system:serviceaccount:default:other", "loud", source="other")
    court.law("kgents-freeze", {"agent.default.bot": None})
    assert "paused (by ann: too loud): it does not write until a person says kgents resume bot" in paused
    assert other == DONE


def test_without_its_settings_the_law_lets_no_agent_through_and_people_put_them_back(court: Court) -> None:
    court.kubectl("delete", "configmap", "kgents-policy", "-n", "kgents-system")
    said = court.signal(BOT, "lawless")
    court.kubectl("create", "configmap", "kgents-policy", "-n", "kgents-system")
    assert "no params found" in said
    assert court.signal(BOT, "lawful") == DONE


def test_in_a_shared_cluster_a_freeze_leaves_other_peoples_accounts_alone(court: Court) -> None:
    def bind(*, shared: bool) -> None:
        binding = next(one for one in manifests.foundation(shared=shared) if is_freeze(one))
        court.kubectl("replace", "-f", "-", input=json.dumps(binding))

    bind(shared=True)
    court.law("kgents-freeze", {"frozen": "true", "by": "ann"})
    other = court.says("system:serviceaccount:cert:manager", "create", "configmap", "certificate")
    agent = court.signal(BOT, "still-frozen")
    court.law("kgents-freeze", {"frozen": None, "by": None})
    bind(shared=False)
    assert (other, "the hive is frozen" in agent) == (DONE, True)


def is_freeze(obj: dict[str, Any]) -> bool:
    return (obj["kind"], obj["metadata"]["name"]) == ("ValidatingAdmissionPolicyBinding", "kgents-freeze-agents")
