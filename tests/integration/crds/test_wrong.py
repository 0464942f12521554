"""Wrong objects, each with the error that it gets."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from kgents.api import kinds
from kgents.kube.client import KubeClient
from kgents.kube.errors import ApiError, Invalid
from tests.integration.crds.conftest import LAB
from tests.support.hive import HiveApi

Spec = dict[str, Any]
PROPOSAL: Spec = {
    "target": {"kind": "Agent", "name": "scout"},
    "patch": {"content": {"spec": {"replicas": 2}}},
    "reason": "more",
    "proposer": "kubernetes-admin",
}
PATTERN = "should match"
PLAIN_AGENT: Spec = {"image": "x"}


def agent(**spec: Any) -> tuple[kinds.Kind, Spec]:
    return kinds.AGENT, {**PLAIN_AGENT, **spec}


def pheromone(**spec: Any) -> tuple[kinds.Kind, Spec]:
    return kinds.PHEROMONE, {"type": "WARNING", **spec}


def proposal(**spec: Any) -> tuple[kinds.Kind, Spec]:
    made = {key: value for key, value in {**PROPOSAL, **spec}.items() if value is not None}
    return kinds.PROPOSAL, made


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


WRONG: list[tuple[tuple[kinds.Kind, Spec], str]] = [
    ((kinds.AGENT, {}), "say what runs - an image, a command or an entrypoint"),
    (agent(workloadRef={"kind": "Deployment", "name": "d"}), "or else adopt a workloadRef"),
    (agent(command=["a"], entrypoint="b"), "command and entrypoint exclude each other"),
    (
        (kinds.AGENT, {"workloadRef": {"kind": "Deployment", "name": "d"}, "args": ["a"]}),
        "a workload that is adopted is not changed",
    ),
    ((kinds.AGENT, {"workloadRef": {"kind": "Job", "name": "d"}}), 'Unsupported value: "Job"'),
    (agent(genus="AA"), 'Unsupported value: "AA"'),
    (agent(replicas=-1), "should be greater than or equal to 0"),
    (agent(replicas="many"), 'spec.replicas in body must be of type integer: "string"'),
    (agent(entrypoint="os; rm"), PATTERN),
    (agent(workingDir="here"), PATTERN),
    (agent(ports=[{"containerPort": 70000}]), "should be less than or equal to 65535"),
    (agent(ports=[{"containerPort": 80}, {"containerPort": 80}]), "Duplicate value"),
    (agent(env=[{"name": "A"}, {"name": "A"}]), "Duplicate value"),
    (agent(envFrom=[{"prefix": "A"}]), "give either a configMapRef or a secretRef"),
    (agent(resources={"requests": {"cpu": "lots"}}), PATTERN),
    (agent(health={"period": "1ms"}), "at least 1s"),
    (agent(health={"type": "Telepathy"}), 'Unsupported value: "Telepathy"'),
    (agent(symbionts={"memory": {"retentionPolicy": "Retain"}}), "an Ephemeral memory is gone with its pod"),
    (agent(signals=[{"match": "x"}]), "spec.signals[0].type: Required value"),
    (agent(signals=[{"match": "x", "type": "WARNING", "halfLife": "0s"}]), "a duration of more than nothing"),
    (agent(reactions=[{"type": "WARNING", "minIntensity": 1, "then": {}}]), "give either a file or http"),
    (agent(reactions=[{"type": "WARNING", "minIntensity": 0, "then": {"file": "f"}}]), "should be greater than 0"),
    (agent(reactions=[{"type": "WARNING", "minIntensity": 1, "then": {"file": "../etc/passwd"}}]), PATTERN),
    (agent(umwelt={"affordances": ["everything"]}), PATTERN),
    (agent(umwelt={"autonomy": {"replicas": {"min": 3, "max": 1}}}), "min is at most max"),
    ((kinds.PHEROMONE, {}), "spec.type: Required value"),
    (pheromone(type="SMELL"), 'Unsupported value: "SMELL"'),
    (pheromone(initialIntensity=0), "should be greater than 0"),
    (pheromone(initialIntensity=1.01), "should be less than or equal to 1"),
    (pheromone(halfLife="0s"), "a duration of more than nothing"),
    (pheromone(halfLife="-5m"), PATTERN),
    (pheromone(halfLife="soon"), PATTERN),
    (pheromone(emittedAt="yesterday"), "must be of type date-time"),
    (pheromone(payload="x" * 16385), "Too long"),
    (pheromone(causedBy=[{}] * 17), "must have at most 16 items"),
    ((kinds.MEMORY, {"owner": "Scout"}), PATTERN),
    ((kinds.MEMORY, {"owner": "scout", "size": "big"}), PATTERN),
    ((kinds.MEMORY, {"owner": "scout", "retentionPolicy": "Retain"}), "an Ephemeral memory is gone with its pod"),
    ((kinds.UMWELT, {}), "spec.agent: Required value"),
    ((kinds.UMWELT, {"agent": "scout", "persona": {"warmth": 2}}), "should be less than or equal to 1"),
    (proposal(patch=None), "give either a patch or delete: true"),
    (proposal(delete=True), "give either a patch or delete: true"),
    (proposal(patch=None, delete=False), "give either a patch or delete: true"),
    (proposal(reason=""), "should be at least 1 chars long"),
    (proposal(reason=None), "spec.reason: Required value"),
    (proposal(target={"kind": "Secret", "name": "s"}), "a Secret is never the target of a proposal"),
    (proposal(decision={"approved": True}), "an approval names the digest of the diff"),
    (proposal(ttl="0s"), "a duration of more than nothing"),
]


@pytest.mark.parametrize(("wrong", "message"), WRONG)
async def test_a_wrong_object_is_told_what_is_wrong(
    api: KubeClient, wrong: tuple[kinds.Kind, Spec], message: str
) -> None:
    kind, spec = wrong
    with pytest.raises(Invalid) as caught:
        await api.create(kind, {"metadata": {"name": unique("wrong")}, "spec": spec}, LAB)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a" * 300, "an agent's name has at most 50 characters"),
        ("a" * 51, "an agent's name has at most 50 characters"),
        ("1st", "an agent's name is a DNS-1035 label"),
        ("a.b", "an agent's name is a DNS-1035 label"),
        ("Scout", "lowercase RFC 1123 subdomain"),
    ],
)
async def test_a_name_that_children_cannot_bear_is_refused(api: KubeClient, name: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        await api.create(kinds.AGENT, {"metadata": {"name": name}, "spec": PLAIN_AGENT}, LAB)
    assert message in caught.value.message


@pytest.mark.parametrize("kind", kinds.KINDS, ids=lambda kind: kind.plural)
async def test_an_unknown_field_is_refused_when_asked_to_be_strict(api: KubeClient, kind: kinds.Kind) -> None:
    obj = {"metadata": {"name": unique("odd")}, "spec": {"colour": "red"}}
    with pytest.raises(ApiError, match=r'unknown field "spec\.colour"'):
        await api.create(kind, obj, LAB, field_validation="Strict")


@pytest.mark.parametrize(
    "change",
    [{"initialIntensity": 0.5}, {"payload": "other"}, {"emittedAt": "2026-01-01T00:00:00Z"}, {"type": "DREAM"}],
)
async def test_a_pheromone_is_immutable(api: KubeClient, change: Spec) -> None:
    name = unique("signal")
    await api.create(kinds.PHEROMONE, {"metadata": {"name": name}, "spec": {"type": "WARNING"}}, LAB)
    with pytest.raises(Invalid, match="a pheromone is immutable"):
        await api.patch(kinds.PHEROMONE, name, {"spec": change}, LAB)


async def test_a_pheromones_labels_and_status_may_change(api: KubeClient, hive_api: HiveApi) -> None:
    name = unique("signal")
    spec = {"type": "WARNING", "claimable": True}
    await api.create(kinds.PHEROMONE, {"metadata": {"name": name}, "spec": spec}, LAB)
    await api.patch(kinds.PHEROMONE, name, {"metadata": {"labels": {"a": "b"}}}, LAB)
    claim = {"claimedBy": await asyncio.to_thread(lambda: hive_api.user)}
    claimed = await api.patch(kinds.PHEROMONE, name, {"status": claim}, LAB, subresource="status")
    assert claimed["status"] == claim


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reason": "other"}, "reason"),
        ({"target": {"name": "other"}}, "target"),
        ({"patch": {"content": {"spec": {"replicas": 9}}}}, "patch"),
        ({"proposer": "me"}, "proposer"),
        ({"ttl": "48h"}, "ttl"),
        ({"via": "a client"}, "via"),
        ({"causedBy": []}, "causedBy"),
        ({"delete": False}, "delete"),
    ],
)
async def test_a_proposal_is_immutable(api: KubeClient, change: Spec, field: str) -> None:
    name = unique("proposal")
    await api.create(kinds.PROPOSAL, {"metadata": {"name": name}, "spec": PROPOSAL}, LAB)
    with pytest.raises(Invalid, match=f"{field} cannot be changed"):
        await api.patch(kinds.PROPOSAL, name, {"spec": change}, LAB)


@pytest.mark.embedded("a hive's policies judge what is decided")
async def test_a_proposal_can_be_decided(api: KubeClient) -> None:
    name = unique("proposal")
    await api.create(kinds.PROPOSAL, {"metadata": {"name": name}, "spec": PROPOSAL}, LAB)
    decision = {"approved": True, "diffDigest": "sha256:1", "reason": "yes"}
    decided = await api.patch(kinds.PROPOSAL, name, {"spec": {"decision": decision}}, LAB)
    assert decided["spec"]["decision"] == decision
    assert decided["spec"]["patch"] == {"type": "Apply", **PROPOSAL["patch"]}


@pytest.mark.parametrize(
    ("change", "message"),
    [({"owner": "other"}, "does not change hands"), ({"type": "Vector"}, "type cannot be changed")],
)
async def test_a_memory_keeps_owner_and_type(api: KubeClient, change: Spec, message: str) -> None:
    name = unique("memory")
    await api.create(kinds.MEMORY, {"metadata": {"name": name}, "spec": {"owner": "scout"}}, LAB)
    with pytest.raises(Invalid, match=message):
        await api.patch(kinds.MEMORY, name, {"spec": change}, LAB)


async def test_a_status_with_a_phase_of_its_own_making_is_refused(api: KubeClient) -> None:
    name = unique("agent")
    await api.create(kinds.AGENT, {"metadata": {"name": name}, "spec": PLAIN_AGENT}, LAB)
    with pytest.raises(Invalid, match='Unsupported value: "Great"'):
        await api.patch(kinds.AGENT, name, {"status": {"phase": "Great"}}, LAB, subresource="status")
