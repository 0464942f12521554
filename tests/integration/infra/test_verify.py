"""`kgents infra verify` on a hive that is well, and on one that is broken in each of many ways.

What is told as the fix is done, word for word, and then the hive is well again.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from kgents.infra import certificates
from tests.support.machine import Machine
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(300)
DENY = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicy",
    "metadata": {"name": "no-pods"},
    "spec": {
        "matchConstraints": {
            "resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
            ]
        },
        "validations": [{"expression": "false", "message": "no pods on Sundays"}],
    },
}
BOUND = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicyBinding",
    "metadata": {"name": "no-pods"},
    "spec": {"policyName": "no-pods", "validationActions": ["Deny"]},
}


@pytest.fixture(scope="module")
def hive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("machine"))
    machine("infra", "init", "--timeout", "120")
    yield machine
    machine.clear()


def verify(hive: Machine, *options: str) -> dict[str, Any]:
    """The checks by name. What is told and the exit code must agree."""
    done = hive.run("infra", "verify", "-o", "json", *options)
    said = json.loads(done.stdout)
    assert said["ok"] == (done.returncode == 0) == (not failed(said))
    return {check["name"]: check for check in said["checks"]}


def failed(said: dict[str, Any]) -> list[str]:
    return [check["name"] for check in said["checks"] if check["status"] == "fail"]


def look(hive: Machine) -> dict[str, Any]:
    return verify(hive, "--no-canary")


def troubles(hive: Machine) -> dict[str, str]:
    return {name: check["why"] for name, check in look(hive).items() if check["status"] == "fail"}


def mend(hive: Machine, fix: str) -> None:
    done = subprocess.run(fix, shell=True, env=hive.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{fix}: {done.stderr}"


@pytest.fixture(autouse=True)
def well(hive: Machine) -> Iterator[None]:
    """Each test leaves the hive well: the fix that it was told has mended it."""
    yield
    eventually(lambda: _is_well(hive))


def _is_well(hive: Machine) -> bool:
    assert troubles(hive) == {}
    return True


def traces(hive: Machine) -> list[str]:
    kinds = "agents,pheromones,memories,umwelts,deployments,replicasets,pods,configmaps,serviceaccounts,roles,events"
    return [name for name in hive.kubectl("get", kinds, "-o", "name").split() if "canary" in name]


def test_a_hive_that_is_well(hive: Machine) -> None:
    done = hive.run("infra", "verify")

    assert done.returncode == 0, done.stdout
    assert "✔ a canary became ready, reacted to a signal, and is gone again" in done.stdout
    assert "✖" not in done.stdout
    assert traces(hive) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_canary_leaves_nothing(hive: Machine, number: int) -> None:
    running = hive.popen("infra", "verify")
    eventually(lambda: "agent" in " ".join(traces(hive)) or running.poll() is not None)

    running.send_signal(number)

    said, _ = running.communicate(timeout=100)
    assert running.returncode != 0, said
    assert traces(hive) == []


def stop(hive: Machine) -> None:
    hive("infra", "stop")


def wrong_credentials(hive: Machine) -> None:
    said = yaml.safe_load(hive.kubeconfig.read_text())
    said["users"][0]["user"] = {"token": "of-somebody-else"}
    hive.kubeconfig.write_text(yaml.safe_dump(said))


def no_kind(hive: Machine) -> None:
    hive.kubectl("delete", "crd", "umwelts.kgents.io")


def old_kind(hive: Machine) -> None:
    patch = [{"op": "remove", "path": "/spec/versions/0/additionalPrinterColumns"}]
    hive.kubectl("patch", "crd", "agents.kgents.io", "--type=json", "-p", json.dumps(patch))


def operators_stand_still(hive: Machine) -> None:
    send(hive.pid("operators"), signal.SIGSTOP)


def cortex_stands_still(hive: Machine) -> None:
    send(hive.pid("cortex"), signal.SIGSTOP)


def wrong_certificate(hive: Machine) -> None:
    authority = yaml.safe_load(hive.kubeconfig.read_text())["clusters"][0]["cluster"]["certificate-authority-data"]
    change_hooks(hive, "caBundle", authority)


def no_webhook(hive: Machine) -> None:
    hive.kubectl("delete", "validatingwebhookconfiguration", "kgents-tgent")


def webhook_elsewhere(hive: Machine) -> None:
    change_hooks(hive, "url", "https://127.0.0.1:1/nobody/proposals")


def lenient_webhook(hive: Machine) -> None:
    patch = [
        {"op": "test", "path": "/webhooks/0/name", "value": "proposals.tgent.kgents.io"},
        {"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"},
    ]
    hive.kubectl("patch", "validatingwebhookconfiguration", "kgents-tgent", "--type=json", "-p", json.dumps(patch))


def strange_authority(hive: Machine) -> None:
    said = yaml.safe_load(hive.kubeconfig.read_text())
    other = certificates.issue("other", ("localhost",)).authority
    said["clusters"][0]["cluster"]["certificate-authority-data"] = base64.b64encode(other).decode()
    hive.kubeconfig.write_text(yaml.safe_dump(said))


def no_binding(hive: Machine) -> None:
    hive.kubectl("delete", "validatingadmissionpolicybinding", "kgents-agents")


def weak_policy(hive: Machine) -> None:
    patch = [{"op": "add", "path": "/spec/matchConditions/-", "value": {"name": "never", "expression": "false"}}]
    hive.kubectl("patch", "validatingadmissionpolicy", "kgents-agents", "--type=json", "-p", json.dumps(patch))


def more_rights(hive: Machine) -> None:
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    patch = [{"op": "add", "path": "/rules/-", "value": rule}]
    hive.kubectl("patch", "clusterrole", "kgents-operators", "--type=json", "-p", json.dumps(patch))


def agents_may(hive: Machine) -> None:
    hive.kubectl("create", "rolebinding", "too-much", "--clusterrole=cluster-admin", "--serviceaccount=default:default")


def no_namespace(hive: Machine) -> None:
    hive.kubectl("delete", "namespace", "kgents-system")


def change_hooks(hive: Machine, key: str, value: str) -> None:
    patch = [{"op": "replace", "path": f"/webhooks/0/clientConfig/{key}", "value": value}]
    hive.kubectl("patch", "validatingwebhookconfiguration", "kgents-tgent", "--type=json", "-p", json.dumps(patch))


def send(pid: int | None, number: int) -> None:
    assert pid
    os.kill(pid, number)


@pytest.mark.parametrize(
    ("breaks", "check", "why", "fix"),
    [
        (stop, "api", "", "kgents infra start --name laptop"),
        (wrong_credentials, "credentials", "401", "kgents infra init --name laptop"),
        (no_kind, "kinds", "umwelts.kgents.io", "kgents infra crd apply"),
        (old_kind, "kinds", "agents.kgents.io", "kgents infra crd apply"),
        (operators_stand_still, "operators", "was stopped", "kill -CONT"),
        (cortex_stands_still, "cortex", "was stopped", "kill -CONT"),
        (wrong_certificate, "webhook", "x509", "kill "),
        (no_webhook, "webhook", "operators", "kill "),
        (lenient_webhook, "webhook", "lets through", "kill "),
        (strange_authority, "api", "certificate", "kgents infra init --name laptop"),
        (no_binding, "policies", "does not hold", "kgents infra init --name laptop"),
        (
            weak_policy,
            "policies",
            "matchConditions",
            "delete validatingadmissionpolicy kgents-agents && kgents infra init",
        ),
        (more_rights, "permissions", "rules", "delete clusterrole kgents-operators && kgents infra init"),
        (agents_may, "agents-rights", "too-much", "delete rolebinding too-much"),
        (no_namespace, "namespace", "", "kgents infra init --name laptop"),
    ],
)
def test_what_is_broken_is_found_and_its_fix_mends_it(
    hive: Machine, breaks: Callable[[Machine], None], check: str, why: str, fix: str
) -> None:
    breaks(hive)

    found = look(hive)

    assert found[check]["status"] == "fail", found
    assert why in found[check]["why"] and fix in found[check]["fix"], found[check]
    mend(hive, found[check]["fix"])


def test_what_needs_the_api_is_not_blamed_when_that_is_away(hive: Machine) -> None:
    hive("infra", "stop")

    found = look(hive)

    assert {name for name, one in found.items() if one["status"] == "fail"} == {"api", "supervisor"}
    assert "needs api" in found["policies"]["message"]
    hive("infra", "start")


def test_a_cortex_that_nobody_starts_again(hive: Machine) -> None:
    keeper, cortex = hive.supervisor()["pid"], hive.pid("cortex")
    send(keeper, signal.SIGSTOP)
    send(cortex, signal.SIGKILL)

    found = look(hive)

    assert found["cortex"]["status"] == "fail" and "infra logs cortex" in found["cortex"]["fix"]
    assert found["supervisor"]["fix"] == f"kill -CONT {keeper}"
    mend(hive, found["supervisor"]["fix"])


def test_a_webhook_that_is_away(hive: Machine) -> None:
    webhook_elsewhere(hive)

    found = look(hive)["webhook"]

    assert "does not answer" in found["message"] and "nobody" not in found["why"]
    assert found["fix"] == "kgents infra logs operators --name laptop"
    send(hive.pid("operators"), signal.SIGTERM)


def test_a_cluster_that_lets_no_pod_in(hive: Machine) -> None:
    hive.kubectl("apply", "-f", "-", input=yaml.safe_dump_all([DENY, BOUND]))

    found = eventually(lambda: _refused(verify(hive, "--timeout", "15")))

    assert found["status"] == "fail"
    assert "get validatingadmissionpolicies" in found["fix"]
    assert traces(hive) == []
    hive.kubectl("delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", "no-pods")


def _refused(found: dict[str, Any]) -> dict[str, Any]:
    """The canary's check; nothing while it still went well, or nobody has said yet why it does not."""
    check: dict[str, Any] = found["canary"]
    return check if "no pods on Sundays" in check["why"] else {}


def test_somebody_without_rights_is_told_what_he_cannot_know(hive: Machine) -> None:
    hive.kubectl("create", "serviceaccount", "weak")
    said = yaml.safe_load(hive.kubeconfig.read_text())
    weak = {"name": "weak", "user": {"token": hive.kubectl("create", "token", "weak").strip()}}
    context = {"name": "weak", "context": {"cluster": said["clusters"][0]["name"], "user": "weak"}}
    said["users"].append(weak)
    said["contexts"].append(context)
    hive.kubeconfig.write_text(yaml.safe_dump(said))

    found = verify(hive, "--context", "weak")

    assert found["api"]["status"] == found["credentials"]["status"] == found["operators"]["status"] == "ok"
    assert "you lack a right" in found["policies"]["message"] and "forbidden" in found["policies"]["why"]
    assert found["policies"]["fix"].startswith("Ask who administers")
    assert found["canary"]["status"] == "skipped"


def test_a_frozen_hive_is_a_note(hive: Machine) -> None:
    hive("freeze", "--yes", "--reason", "a storm")

    found = verify(hive)

    assert (found["brakes"]["status"], found["brakes"]["fix"]) == ("note", "kgents thaw")
    assert found["webhook"]["status"] == "note" and "frozen" in found["webhook"]["message"]
    assert found["canary"]["status"] == "ok"
    hive("thaw")
