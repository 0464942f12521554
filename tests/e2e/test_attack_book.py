"""The attack book: an agent turns on a whole hive with its own token. Each try ends in a refusal that says why.

docs/security.md lists the attacks; what the policies alone refuse to one whom RBAC allows everything is in
tests/integration/governance, what a proposal cannot hide in tests/integration/proposals.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from tests.e2e.rogue import DONE, ENVELOPE, IDLE, Rogue
from tests.support.machine import Machine
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e
SYSTEM = ("-n", "kgents-system")
PROPOSALS = "/apis/kgents.io/v1/namespaces/default/proposals"
BATCH: dict[str, Any] = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "evil"}}


@pytest.fixture(scope="module")
def hive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("hive"))
    machine("infra", "init")
    for name in ("rogue", "victim"):
        spec = {"command": IDLE, "umwelt": ENVELOPE}
        body = {"apiVersion": "kgents.io/v1", "kind": "Agent", "metadata": {"name": name}, "spec": spec}
        machine.kubectl("create", "-f", "-", input=json.dumps(body))
    eventually(lambda: {row["phase"] for row in machine.agents().values()} == {"Running"})
    yield machine
    machine.clear()


@pytest.fixture(scope="module")
def rogue(hive: Machine) -> Rogue:
    return Rogue.turn(hive, "rogue")


@pytest.fixture(scope="module")
def pod(hive: Machine) -> str:
    return hive.kubectl("get", "pods", "-l", "kgents.io/agent=rogue", "-o", "name").split()[0]


def merge(patch: Any) -> tuple[str, ...]:
    return ("--type=merge", "-p", json.dumps(patch))


BY_KUBECTL = {
    "its own spec": ("patch", "agent", "rogue", *merge({"spec": {"replicas": 9}})),
    "its own scale": ("scale", "agent", "rogue", "--replicas=9"),
    "its own labels": ("label", "agent", "rogue", "a=b"),
    "its own owners": ("patch", "agent", "rogue", *merge({"metadata": {"ownerReferences": []}})),
    "its own finalizers": ("patch", "agent", "rogue", *merge({"metadata": {"finalizers": ["a/b"]}})),
    "its own status": ("patch", "agent", "rogue", "--subresource=status", *merge({"status": {"phase": "Running"}})),
    "its own envelope": ("patch", "umwelt", "rogue", *merge({"spec": {"autonomy": {"replicas": {"max": 99}}}})),
    "another agent": ("delete", "agent", "victim"),
    "its Deployment": ("patch", "deployment", "rogue", *merge({"spec": {"replicas": 9}})),
    "its pod": ("delete", "pod", "--all"),
    "a shell in another's pod": ("exec", "deployment/victim", "--", "id"),
    "a debugger in another's pod": ("debug", "deployment/victim", "--image=x"),
    "another's log": ("logs", "deployment/victim"),
    "a new agent": ("create", "serviceaccount", "second-face"),
    "a role": ("create", "rolebinding", "mine", "--clusterrole=admin", "--serviceaccount=default:rogue"),
    "all of it": ("create", "clusterrolebinding", "mine", "--clusterrole=cluster-admin", "--group=mine"),
    "another's token": ("create", "token", "victim"),
    "the operators' token": ("create", "token", "kgents-operators", *SYSTEM),
    "the administrator's face": ("get", "agents", "--as", "kubernetes-admin"),
    "the administrators' group": ("get", "agents", "--as", "rogue", "--as-group", "system:masters"),
    "secrets": ("get", "secrets", "-A"),
    "the audit": ("get", "configmap", "kgents-audit", *SYSTEM),
    "the audit's head": ("delete", "configmap", "kgents-audit", *SYSTEM),
    "the freeze": ("patch", "configmap", "kgents-freeze", *SYSTEM, *merge({"data": None})),
    "the settings": ("patch", "configmap", "kgents-policy", *SYSTEM, *merge({"data": {"allow": "me"}})),
    "the policies": ("delete", "validatingadmissionpolicies", "--all"),
    "their bindings": ("delete", "validatingadmissionpolicybindings", "--all"),
    "T-gent": ("delete", "validatingwebhookconfiguration", "kgents-tgent"),
    "T-gent's address": ("get", "validatingwebhookconfiguration", "kgents-tgent"),
    "the kinds": ("delete", "crd", "agents.kgents.io"),
    "history": ("delete", "proposals", "--all"),
    "events": ("delete", "events", "--all"),
    "signals": ("delete", "pheromone", "storm"),
    "all signals at once": ("delete", "--raw", "/apis/kgents.io/v1/namespaces/default/pheromones"),
    "the namespace's bounds": ("label", "namespace", "default", "kgents.io/privileged=allowed"),
    "a node": ("get", "--raw", "/api/v1/nodes/laptop/proxy/pods"),
    "metrics": ("get", "--raw", "/metrics"),
    "a certificate": ("get", "certificatesigningrequests"),
    "a privileged pod": ("run", "evil", "--image=x", "--privileged"),
    "the operators' lease": ("get", "leases", *SYSTEM),
}  # fmt: skip


@pytest.mark.parametrize("words", BY_KUBECTL.values(), ids=BY_KUBECTL)
def test_its_token_does_not_reach(rogue: Rogue, words: tuple[str, ...]) -> None:
    assert "forbidden" in rogue.says(*words).lower()


def test_a_proposal_is_not_decided_by_its_proposer(rogue: Rogue) -> None:
    assert rogue.propose({"spec": {"image": "mine"}}, name="decided") == DONE
    approval = merge({"spec": {"decision": {"approved": True, "diffDigest": "x", "by": rogue.user}}})
    assert "forbidden" in rogue.says("patch", "proposal", "decided", *approval)
    assert "forbidden" in rogue.says("patch", "proposal", "decided", "--subresource=status", *approval)
    other = Rogue.turn(rogue.machine, "victim")
    assert "forbidden" in other.says("patch", "proposal", "decided", *approval)


ELSEWHERE = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "namespace": "kgents-system"}
FORGED = [{"object": {"kind": "Pheromone", "name": "storm"}, "uid": "made-up"}]
BORN = {"approved": True, "diffDigest": "x", "by": "kubernetes-admin"}
PROPOSALS_REFUSED = {
    "in another's name": ({"proposer": "kubernetes-admin"}, "put your own name there"),
    "in another agent's name": ({"proposer": "system:serviceaccount:default:victim"}, "put your own name there"),
    "with a name cut short": ({"proposer": "system:serviceaccount:default:rogue\0x"}, "put your own name there"),
    "through somebody": ({"via": "mcp"}, "leave spec.via out"),
    "with causes nobody saw": ({"causedBy": FORGED}, "nobody has seen"),
    "decided": ({"decision": BORN}, "not born with a decision"),
    "about a secret": ({"target": {"apiVersion": "v1", "kind": "Secret", "name": "x"}}, "never the target"),
    "about the hive": ({"target": ELSEWHERE}, "in its own namespace"),
    "about a path": ({"target": {"kind": "Agent", "name": "../../secrets"}}, "is no object's name"),
    "about an encoded path": ({"target": {"kind": "Agent", "name": "%2e%2e"}}, "is no object's name"),
    "about half a name": ({"target": {"kind": "Agent", "name": "victim\0"}}, "is no object's name"),
    "of a megabyte": ({"patch": {"content": {"spec": {"config": {"a": "x" * 1_000_000}}}}}, "make it smaller"),
    "of many operations": (
        {"patch": {"type": "Json", "content": [{"op": "test", "path": "/a", "value": 1}] * 10_001}},
        "make it smaller",
    ),
}


@pytest.mark.parametrize(("spec", "why"), PROPOSALS_REFUSED.values(), ids=PROPOSALS_REFUSED)
def test_it_does_not_propose(rogue: Rogue, spec: dict[str, Any], why: str) -> None:
    eventually(lambda: why in rogue.propose(**spec))


def test_a_patch_of_many_levels_is_refused(rogue: Rogue) -> None:
    deep = '{"a":' * 5_000 + "1" + "}" * 5_000
    target = '{"kind": "Agent", "name": "rogue"}'
    spec = f'{{"target": {target}, "reason": "x", "proposer": "{rogue.user}", "patch": {{"content": {deep}}}}}'
    body = f'{{"apiVersion": "kgents.io/v1", "kind": "Proposal", "metadata": {{"name": "deep"}}, "spec": {spec}}}'
    status, said = rogue.http().ask("POST", PROPOSALS, body.encode())
    assert status in (400, 422) and said


LAW = [
    {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "name": "kgents-pods"},
    {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "name": "kgents-tgent"},
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "name": "kgents-merger-basics"},
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "name": "rogue"},
    {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "name": "agents.kgents.io"},
    {"apiVersion": "v1", "kind": "Namespace", "name": "default"},
]


def settled(hive: Machine, name: str) -> tuple[str, str]:
    status = hive.kubectl.json("get", "proposal", name).get("status") or {}
    why = [one["message"] for one in status.get("conditions", ()) if one["type"] == "Settled"]
    phase = status.get("phase", "Pending")
    assert phase not in ("Pending", "Approved"), phase
    return phase, why[0]


@pytest.mark.parametrize("target", LAW, ids=lambda target: target["kind"])
def test_a_proposal_about_the_law_comes_to_nothing(hive: Machine, rogue: Rogue, target: dict[str, str]) -> None:
    name = f"law-{target['kind'].lower()}"
    eventually(lambda: rogue.propose({"metadata": {"labels": {"a": "b"}}}, name=name, target=target) == DONE)
    phase, why = eventually(lambda: settled(hive, name))
    assert phase == "Failed" and "kgents-merger" in why


@pytest.mark.parametrize(
    "pod", [{"hostNetwork": True}, {"volumes": [{"name": "h", "hostPath": {"path": "/"}}]}], ids=["network", "path"]
)
def test_a_proposal_smuggles_nothing_of_the_host_in(hive: Machine, rogue: Rogue, pod: dict[str, Any]) -> None:
    name = f"host-{next(iter(pod)).lower()}"
    eventually(lambda: rogue.propose({"spec": {"template": {"spec": pod}}}, name=name) == DONE)
    phase, why = eventually(lambda: settled(hive, name))
    assert phase == "Failed" and "denied request" in why


@pytest.mark.parametrize(
    "spec", [{"source": "victim"}, {"halfLife": "99999h"}, {"causedBy": FORGED}], ids=["name", "for ever", "cause"]
)
def test_it_does_not_signal_falsely(rogue: Rogue, spec: dict[str, Any]) -> None:
    assert "denied" in rogue.create("Pheromone", {"type": "WARNING", "source": "rogue", **spec})


def test_work_of_others_stays_theirs(hive: Machine, rogue: Rogue) -> None:
    victim = Rogue.turn(hive, "victim")
    assert victim.create("Pheromone", {"type": "INTENT", "source": "victim", "claimable": True}, "job") == DONE
    times = {"claimedAt": "2026-01-01T00:00:00Z", "claimedUntil": "2026-01-01T00:59:00Z"}

    def claim(by: Rogue, who: str, **status: Any) -> tuple[int, str]:
        patch = json.dumps({"status": {"claimedBy": who, **status}}).encode()
        path = "/apis/kgents.io/v1/namespaces/default/pheromones/job/status"
        return by.http().ask("PATCH", path, patch, Content_Type="application/merge-patch+json")

    assert "for oneself" in claim(rogue, "victim", **times)[1]
    assert "for an hour at most" in claim(rogue, "rogue", **{**times, "claimedUntil": "2036-01-01T00:00:00Z"})[1]
    later = {"claimedAt": "2036-01-01T00:00:00Z", "claimedUntil": "2036-01-01T00:30:00Z"}
    assert claim(victim, "victim", **later)[0] == 200
    assert "it is claimed by victim" in claim(rogue, "rogue", **later)[1]


@pytest.mark.parametrize(
    "path", ["/api/v1/namespaces/default/pheromones/../secrets", "/api/v1/namespaces/default/%2e%2e"]
)
def test_a_path_leads_nowhere_else(rogue: Rogue, path: str) -> None:
    assert rogue.http().ask("GET", path)[0] in (301, 400, 403, 404)


def test_headers_make_nobody_of_it(rogue: Rogue) -> None:
    asked = rogue.http().ask(
        "GET", "/api/v1/secrets", X_Remote_User="kubernetes-admin", X_Remote_Group="system:masters"
    )
    assert asked[0] == 403
    assert rogue.http().ask("GET", "/api/v1/secrets", Impersonate_User="kubernetes-admin")[0] == 403


@pytest.mark.parametrize("forge", [lambda token: token[:-4] + "AAAA", lambda token: unsigned(token), lambda token: ""])
def test_a_forged_token_is_nobodys(rogue: Rogue, forge: Any) -> None:
    http = rogue.http()
    http._token = forge(rogue.token)
    assert http.ask("GET", "/apis/kgents.io/v1/agents")[0] in (401, 403)


def unsigned(token: str) -> str:
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    claims["sub"] = "system:serviceaccount:kgents-system:kgents-operators"
    parts = ({"alg": "none"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


BY_COMMAND = [
    ("propose", "victim", "--delete", "--reason", "x", "-n", "kgents-system"),
    ("approve", "decided"),
    ("delete", "victim", "--yes"),
    ("freeze", "--reason", "x", "--yes"),
    ("thaw",),
    ("pause", "victim"),
    ("infra", "init", "--context", "kgents-laptop"),
]


@pytest.mark.parametrize("words", BY_COMMAND, ids=lambda words: words[0])
def test_the_command_line_gives_it_nothing_more(rogue: Rogue, words: tuple[str, ...]) -> None:
    done = rogue.kgents(*words)
    assert done.returncode == 4, f"{done.returncode}: {done.stdout}{done.stderr}"
    assert done.stderr.strip()


@pytest.mark.parametrize("token", ["", "forged"])
def test_cortex_answers_nobody_without_its_token(hive: Machine, token: str) -> None:
    (socket,) = (hive.home / "run").glob("*.sock")
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    with grpc.insecure_channel(f"unix:{socket}") as channel, pytest.raises(grpc.RpcError) as failed:
        channel.unary_unary("/kgents.cortex.v1.Cortex/Invoke", None, None)(b"", timeout=10, metadata=metadata)
    assert failed.value.code() is grpc.StatusCode.UNAUTHENTICATED
