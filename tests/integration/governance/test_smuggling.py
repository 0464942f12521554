"""What is smuggled in beside a request that is allowed: names, owners, labels, parts of a pod."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.governance.court import BOT, DONE, MERGER, Court

CLAIM = {"claimedBy": "bot", "claimedAt": "2026-01-01T00:00:00Z", "claimedUntil": "2026-01-01T00:10:00Z"}
HOST = {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}
PAUSE = {"name": "main", "image": "pause"}
NAMES = ["../secrets/x", "..", "%2e%2e", "a%00b", "a\x00b", "ágent", "a b", "-x"]
KEPT = {"finalizers": ["kgents.io/never"]}
OWNED = {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "none"}]}


def body(kind: str, name: str, spec: dict[str, Any], **metadata: Any) -> str:
    return json.dumps(
        {
            "apiVersion": "kgents.io/v1",
            "kind": kind,
            "metadata": {"name": name, "namespace": "default", **metadata},
            "spec": spec,
        }
    )


def workload(kind: str, name: str, pod: dict[str, Any], replicas: int = 1, **labels: str) -> str:
    selected = {"matchLabels": {"app": name}}
    template = {"metadata": {"labels": {"app": name, **labels}}, "spec": {"containers": [PAUSE], **pod}}
    made = {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": "default", "labels": labels}}
    size = {} if kind == "DaemonSet" else {"replicas": replicas}
    return json.dumps({**made, "spec": {**size, "selector": selected, "template": template}})


@pytest.mark.parametrize("name", NAMES)
def test_a_target_is_named_as_kubernetes_names_things(court: Court, name: str) -> None:
    assert "is no object's name" in court.proposal(BOT, "named", target={"kind": "Agent", "name": name})


@pytest.mark.parametrize(
    "odd", [{"kind": "../x"}, {"apiVersion": "v1/namespaces/kgents-system"}, {"namespace": "../x"}]
)
def test_no_part_of_a_target_is_a_path(court: Court, odd: dict[str, str]) -> None:
    assert "is no object's name" in court.proposal("ann", "pathy", target={"kind": "Agent", "name": "bot", **odd})


@pytest.mark.parametrize("target", [{"kind": "ClusterRole", "name": "system:node"}, {"kind": "Agent", "name": "a.b-c"}])
def test_usual_names_are_named(court: Court, target: dict[str, str]) -> None:
    assert court.proposal("ann", f"usual-{target['kind'].lower()}", target=target) == DONE


def test_an_agent_speaks_through_nobody(court: Court) -> None:
    assert "leave spec.via out" in court.proposal(BOT, "via", via="the boss")
    assert court.proposal("ann", "via", via="mcp") == DONE


@pytest.mark.parametrize("metadata", [KEPT, OWNED], ids=["finalizer", "owner"])
def test_an_agent_does_not_say_how_long_its_writes_are_kept(court: Court, metadata: dict[str, Any]) -> None:
    target = {"kind": "Agent", "name": "bot"}
    asked = {"target": target, "patch": {"content": {}}, "reason": "x", "proposer": BOT}
    signal = {"type": "WARNING", "source": "bot"}
    create = ("create", "-f", "-")
    assert "metadata.finalizers" in court.says(BOT, *create, input=body("Proposal", "kept", asked, **metadata))
    assert "evaporates by itself" in court.says(BOT, *create, input=body("Pheromone", "kept", signal, **metadata))


def test_an_agents_signal_fades(court: Court) -> None:
    assert "within a day" in court.signal(BOT, "eternal", halfLife="999999h")
    assert court.signal(BOT, "daily", halfLife="24h") == DONE


def test_a_claim_carries_nothing_else(court: Court) -> None:
    assert court.signal(BOT, "cargo", claimable=True) == DONE
    condition = {"type": "X", "status": "True", "reason": "X", "message": "y" * 30_000}
    loaded = {**CLAIM, "conditions": [{**condition, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}
    assert "a claim is all" in court.status(BOT, "pheromone", "cargo", **loaded)
    assert court.status(BOT, "pheromone", "cargo", **CLAIM) == DONE


def test_no_agent_lives_in_the_hives_own_namespace(court: Court) -> None:
    said = court.create("ann", "Agent", "cuckoo", {"command": ["sleep", "1"]}, namespace="kgents-system")
    assert "no agent lives in kgents-system" in said


def test_an_agent_does_not_act_as_another(court: Court) -> None:
    spec = {"command": ["sleep", "1"], "template": {"spec": {"serviceAccountName": "other"}}}
    assert "under its own name" in court.create("ann", "Agent", "masked", spec)


@pytest.mark.parametrize(
    "container",
    [{"ports": [{"containerPort": 80, "hostPort": 80}]}, {"securityContext": {"procMount": "Unmasked"}}],
    ids=["host port", "proc"],
)
def test_a_container_takes_nothing_of_its_host(court: Court, container: dict[str, Any]) -> None:
    spec = {"command": ["sleep", "1"], "template": {"spec": {"containers": [{"name": "main", **container}]}}}
    assert "leave hostPort and procMount out" in court.create("ann", "Agent", "host", spec)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_no_merge_makes_a_workload_that_reaches_into_its_host(court: Court, kind: str) -> None:
    evil = workload(kind, f"evil-{kind.lower()}", HOST)
    assert "mounts nothing of its host" in court.says(MERGER, "create", "-f", "-", input=evil)
    assert court.says("ann", "create", "-f", "-", input=evil) == DONE
    good = workload(kind, f"good-{kind.lower()}", {})
    assert court.says(MERGER, "create", "-f", "-", input=good) == DONE


def test_a_cron_job_is_no_way_around(court: Court) -> None:
    pod = {"restartPolicy": "Never", "containers": [PAUSE], "hostPID": True}
    spec = {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": {"spec": pod}}}}
    made = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "evil", "namespace": "default"}}
    said = court.says(MERGER, "create", "-f", "-", input=json.dumps({**made, "spec": spec}))
    assert "does not share its host's" in said


def test_the_workload_of_an_agent_is_held_to_the_same_whoever_edits_it(court: Court) -> None:
    evil = workload("Deployment", "edited", HOST, **{"kgents.io/agent": "bot"})
    assert "mounts nothing of its host" in court.says(BOT, "create", "-f", "-", input=evil)


@pytest.mark.parametrize("verb", [("--dry-run=server",), ()], ids=["dry", "wet"])
def test_a_decision_is_judged_however_it_is_sent(court: Court, verb: tuple[str, ...]) -> None:
    name = court.assessed(f"sent-{len(verb)}")
    whole = court.kubectl.json("get", "proposal", name)
    whole["spec"]["decision"] = {"approved": True, "diffDigest": "seen", "by": "bob"}
    said = court.says("bob", "replace", *verb, "-f", "-", input=json.dumps(whole))
    assert "what he proposed himself" in said
    decided = {key: whole[key] for key in ("apiVersion", "kind", "spec")}
    decided["metadata"] = {"name": name, "namespace": "default"}
    apply = ("apply", "--server-side", "--force-conflicts", *verb, "-f", "-")
    assert "what he proposed himself" in court.says("bob", *apply, input=json.dumps(decided))
    by_status = ("patch", "proposal", name, "--subresource=status", "--type=merge", "-p")
    assert "nobody else writes it" in court.says("bob", *by_status, json.dumps({"spec": whole["spec"]}))


def test_a_proposer_may_take_back_what_he_asked(court: Court) -> None:
    name = court.assessed("withdrawn")
    assert court.decide("bob", name, approved=False, reason="I was wrong") == DONE


def test_an_agent_takes_back_nothing_that_it_asked(court: Court) -> None:
    assert court.proposal(BOT, "said") == DONE
    assert "the record of what was asked" in court.says(BOT, "delete", "proposal", "said")
    assert "the record of what was asked" in court.says(
        BOT, "delete", "--raw", "/apis/kgents.io/v1/namespaces/default/proposals"
    )
    assert court.kubectl.run("get", "proposal", "said").returncode == 0


@pytest.mark.parametrize("metadata", [KEPT, OWNED], ids=["finalizer", "owner"])
def test_nor_are_they_kept_or_collected_by_what_is_put_on_them_later(court: Court, metadata: dict[str, Any]) -> None:
    name = f"later-{next(iter(metadata)).lower()}"
    assert (court.proposal("ann", name), court.signal("ann", name)) == (DONE, DONE)
    for kind in ("proposal", "pheromone"):
        patch = ("patch", kind, name, "--type=merge", "-p", json.dumps({"metadata": metadata}))
        assert "is kept is not for agents to say" in court.says(BOT, *patch)
        assert court.says(BOT, "label", kind, name, "seen=yes") == DONE


def test_agents_are_not_swept_away_at_once(court: Court) -> None:
    assert court.create("ann", "Agent", "swept", {"command": ["sleep", "1"]}) == DONE
    said = court.says(BOT, "delete", "--raw", "/apis/kgents.io/v1/namespaces/default/agents")
    assert "agents do not change agents" in said
    assert court.kubectl.run("get", "agent", "swept").returncode == 0


def test_a_freeze_with_a_reason_of_several_lines_still_says_what_it_is(court: Court) -> None:
    court.law("kgents-freeze", {"frozen": "true", "by": "ann", "reason": "one\ntwo"})
    said = court.signal(BOT, "lines")
    court.law("kgents-freeze", {"frozen": None, "by": None, "reason": None})
    assert "the hive is frozen" in said and "kgents thaw" in said


def test_no_merge_makes_an_agent_larger_than_the_hive_allows(court: Court) -> None:
    spec = {"command": ["sleep", "1"], "resources": {"limits": {"cpu": "1500m", "memory": "64Mi"}}}
    court.law("kgents-policy", {"limit.replicas": "2", "limit.cpu": "1"})
    many = court.create(MERGER, "Agent", "many", {"command": ["sleep", "1"], "replicas": 3})
    large = court.create(MERGER, "Agent", "large", spec)
    modest = court.create(MERGER, "Agent", "modest", {"command": ["sleep", "1"], "replicas": 2})
    court.law("kgents-policy", {"limit.replicas": None, "limit.cpu": None})
    assert "more than 2 pods, and this would be 3" in many
    assert "more than limit.cpu" in large
    assert modest == DONE
    assert court.create(MERGER, "Agent", "large", spec) == DONE


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_nor_an_adopted_workload(court: Court, kind: str) -> None:
    name = f"wide-{kind.lower()}"
    huge = {"containers": [{**PAUSE, "resources": {"limits": {"cpu": "4"}}}]}
    assert court.says("ann", "create", "-f", "-", input=workload(kind, name, {}, 3)) == DONE
    court.law("kgents-policy", {"limit.replicas": "2", "limit.cpu": "1"})
    apply = ("apply", "--server-side", "--force-conflicts", "-f", "-")
    many = court.says(MERGER, *apply, input=workload(kind, name, {}, 4))
    scaled = court.says(MERGER, "scale", f"{kind.lower()}/{name}", "--replicas=4")
    large = court.says(MERGER, *apply, input=workload(kind, name, huge, 3))
    otherwise = court.says(MERGER, *apply, input=workload(kind, name, {"terminationGracePeriodSeconds": 5}, 3))
    smaller = court.says(MERGER, "scale", f"{kind.lower()}/{name}", "--replicas=2")
    court.law("kgents-policy", {"limit.replicas": None, "limit.cpu": None})
    assert "more than 2 pods, and this would be 4" in many
    assert "more than 2 pods, and this would be 4" in scaled
    assert "more than limit.cpu" in large
    assert (otherwise, smaller) == (DONE, DONE)


def test_nor_by_a_template(court: Court) -> None:
    over = {"spec": {"containers": [{"name": "agent", "resources": {"limits": {"memory": "4Gi"}}}]}}
    court.law("kgents-policy", {"limit.memory": "1Gi"})
    said = court.create(MERGER, "Agent", "laid-over", {"command": ["sleep", "1"], "template": over})
    court.law("kgents-policy", {"limit.memory": None})
    assert "more than limit.cpu and limit.memory" in said
