"""The memory sidecar in an agent's pod, and what becomes of what it says of itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from operators.agent.children import Surroundings, render
from operators.agent.sidecar import Program
from operators.agent.status import not_acted_on
from operators.memory import measure, status
from operators.memory.controller import _differs
from tests.unit.operators.objects import agent

MEMORY = {"enabled": True, "type": "KeyValue", "size": "1Mi"}
IN_A_CLUSTER = Program("registry.example.com/kgents")


def rendered(around: Surroundings | None = None, memory: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    given = agent(symbionts={"memory": memory or MEMORY}, **spec)
    return {kind.kind: child for kind, child in render(given, around or Surroundings())}


def pod(around: Surroundings | None = None, **more: Any) -> dict[str, Any]:
    spec: dict[str, Any] = rendered(around, **more)["Deployment"]["spec"]["template"]["spec"]
    return spec


def env(container: dict[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry.get("value") for entry in container["env"]}


def test_it_is_a_native_sidecar_that_is_up_before_the_agent() -> None:
    (sidecar,) = pod()["initContainers"]
    assert sidecar["restartPolicy"] == "Always" and sidecar["startupProbe"]["httpGet"]["path"] == "/healthz"


def test_the_agent_gets_the_key_and_not_the_file() -> None:
    (container,) = pod()["containers"]
    assert "kgents-memory" not in {mount["name"] for mount in container["volumeMounts"]}
    assert env(container)["KGENTS_MEMORY_URL"] == "http://$(POD_IP):7733"
    assert env(container)["KGENTS_MEMORY_TOKEN_FILE"].startswith("/var/lib/kgents/memory-token/")


def test_in_a_cluster_it_listens_where_nobody_else_reaches_it() -> None:
    around = Surroundings(memory=IN_A_CLUSTER)
    (sidecar,) = pod(around)["initContainers"]
    assert "127.0.0.1:7733" in sidecar["command"] and sidecar["image"] == IN_A_CLUSTER.image
    assert sidecar["startupProbe"]["exec"]["command"][-1] == "--ask"
    assert env(pod(around)["containers"][0])["KGENTS_MEMORY_URL"] == "http://127.0.0.1:7733"


def test_a_size_changes_nothing_in_the_pods_template() -> None:
    small, large = pod(memory=MEMORY), pod(memory={**MEMORY, "size": "2Gi"})
    assert small == large
    settings = json.loads(rendered(memory={**MEMORY, "size": "2Gi"})["ConfigMap"]["data"]["memory.json"])
    assert settings == {"type": "KeyValue", "size": 2 << 30}


def test_the_key_of_the_model_reaches_the_sidecar_only_where_it_is_used() -> None:
    model = {"name": "m", "baseURL": "https://models.example.com/v1", "secretRef": {"name": "keys"}}
    assert "KGENTS_MODEL_KEY" not in env(pod(model=model)["initContainers"][0])
    assert "KGENTS_MODEL_KEY" in env(pod(memory={**MEMORY, "type": "Vector"}, model=model)["initContainers"][0])


def test_the_template_may_say_more_of_the_sidecar() -> None:
    template = {"spec": {"initContainers": [{"name": "kgents-memory", "image": "mine"}, {"name": "first"}]}}
    sidecar, first = pod(template=template)["initContainers"]
    assert sidecar["image"] == "mine" and sidecar["restartPolicy"] == "Always" and first == {"name": "first"}


def test_where_no_sidecar_can_be_run_it_is_said() -> None:
    spec = agent(symbionts={"memory": MEMORY})["spec"]
    assert "initContainers" not in pod(Surroundings(memory=None))
    assert not_acted_on(spec) == [] and "symbionts.memory" in not_acted_on(spec, remembers=False)[0]


@pytest.mark.parametrize(
    "line", ["", "hello", "status ", "status []", 'status {"usedBytes": "1", "entries": 1}', "status " + "[" * 9999]
)
def test_what_is_no_status_is_passed_over(line: str) -> None:
    assert measure.parse(line) is None


def said(used: int, entries: int, access: str | None = None) -> dict[str, Any]:
    return {"usedBytes": used, "entries": entries, "lastAccess": access}


def test_memories_apart_are_added_and_a_shared_one_is_not() -> None:
    two = [said(10, 1, "2026-01-01T00:00:00Z"), said(20, 2)]
    assert measure.together(two, shared=False) == said(30, 3, "2026-01-01T00:00:00Z")
    assert measure.together(two, shared=True) == said(20, 2, "2026-01-01T00:00:00Z")
    assert measure.together([], shared=True) is None


def test_an_access_alone_is_written_once_a_minute() -> None:
    first = said(1, 1, "2026-01-01T00:00:00Z")
    assert not _differs(first, {**first, "lastAccess": "2026-01-01T00:00:30Z"})
    assert _differs(first, {**first, "lastAccess": "2026-01-01T00:01:00Z"})
    assert _differs(first, {**first, "entries": 2}) and _differs(None, first) and not _differs(None, None)


def memory(kind: str = "KeyValue") -> dict[str, Any]:
    return {"metadata": {"name": "ant"}, "spec": {"owner": "ant", "type": kind}}


def conditions(told: list[status.Told]) -> dict[str, tuple[bool | None, str]]:
    return {type: (holds, reason) for type, holds, reason, _ in told}


def test_what_is_not_measured_is_unknown_and_never_invented() -> None:
    fields, told = status.make(memory("Ephemeral"), None, None, replicas=1)
    assert fields == {"phase": "Bound"} and conditions(told)["Measured"] == (None, "NothingSaid")


def test_how_meaning_is_found_and_what_was_damaged_is_said() -> None:
    measured = {
        **said(1, 1),
        "embedding": {"kind": "WordLikeness", "message": "it answers 404"},
        "setAside": "x.broken",
    }
    told = conditions(status.make(memory("Vector"), None, measured, replicas=1)[1])
    assert told["Embedding"] == (False, "WordLikeness") and told["Intact"] == (False, "SetAside")


@pytest.mark.parametrize(("kind", "reason"), [("KeyValue", "OneFile"), ("Ephemeral", "OnePerPod")])
def test_several_pods_are_told_whether_they_share(kind: str, reason: str) -> None:
    told = conditions(status.make(memory(kind), None, None, replicas=2)[1])
    assert told["Shared"][1] == reason
