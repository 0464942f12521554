"""`kubectl delete` in its forms, and `kubectl wait` for each thing that it can wait for."""

from __future__ import annotations

import json

from tests.integration.kubectl.conftest import Shell, config_map
from tests.support.waiting import eventually


def test_each_way_of_deleting_leaves_nothing(sh: Shell) -> None:
    gone = f"deleted from {sh.namespace} namespace"
    for line, said in (
        ("delete configmap a", f'configmap "a" {gone}\n'),
        ("delete configmap/a configmap/b", f'configmap "a" {gone}\nconfigmap "b" {gone}\n'),
        ("delete configmap -l set=d", f'configmap "a" {gone}\nconfigmap "b" {gone}\n'),
        ("delete configmap a --cascade=background", f'configmap "a" {gone}\n'),
        ("delete configmap a --now", f'configmap "a" {gone}\n'),
        ("delete configmap a --grace-period=0 --force", f'configmap "a" force {gone}\n'),
        ("delete configmap a -o name", "configmap/a\n"),
        ("delete configmap --all", f'configmap "a" {gone}\nconfigmap "b" {gone}\n'),
        ("delete configmap a --ignore-not-found", ""),
    ):
        if said:
            sh.apply(config_map("a", {"set": "d"}), config_map("b", {"set": "d"}))
        assert sh(line) == said
    assert sh("get configmaps -o name") == ""


def test_a_dry_run_deletes_nothing(sh: Shell) -> None:
    sh.apply(config_map("stays"))
    for where in ("client", "server"):
        said = f'configmap "stays" deleted from {sh.namespace} namespace ({where} dry run)'
        assert sh(f"delete configmap stays --dry-run={where}").strip() in (said, said.replace("client dry", "dry"))
    assert sh("get configmap stays -o name") == "configmap/stays\n"


def test_raw_requests_reach_the_server(sh: Shell) -> None:
    path = f"/api/v1/namespaces/{sh.namespace}/configmaps"
    assert json.loads(sh(f"create --raw {path} -f -", input=json.dumps(config_map("raw"))))["kind"] == "ConfigMap"
    assert json.loads(sh(f"get --raw {path}/raw"))["metadata"]["name"] == "raw"
    assert json.loads(sh(f"delete --raw {path}/raw"))["status"] == "Success"
    assert 'configmaps "raw" not found' in sh.fails(f"get --raw {path}/raw")


def test_a_finalizer_holds_an_object_until_it_is_taken_away(sh: Shell) -> None:
    held = config_map("held")
    held["metadata"]["finalizers"] = ["x.com/hold"]
    sh.apply(held)
    sh("delete configmap held --wait=false")
    waiting = sh.kubectl.popen("-n", sh.namespace, "wait", "--for=delete", "configmap/held", "--timeout=60s")
    assert sh("get configmap held -o jsonpath={.metadata.deletionTimestamp}")
    sh('patch configmap held --type=merge -p {"metadata":{"finalizers":null}}')
    assert waiting.wait(60) == 0
    assert waiting.stdout is not None
    waiting.stdout.close()


def test_wait_sees_what_is_true_already_and_what_never_will_be(sh: Shell) -> None:
    sh.apply(config_map("w", a="b"))
    assert sh("wait --for=create configmap/w") == "configmap/w condition met\n"
    assert sh("wait --for=jsonpath={.data.a}=b configmap/w") == "configmap/w condition met\n"
    assert sh("wait --for=delete configmap/none") == ""
    said = sh.fails("wait --for=condition=Ready configmap/w --timeout=1s")
    assert said == "error: timed out waiting for the condition on configmaps/w\n"


def test_wait_sees_a_condition_and_a_value_come(sh: Shell) -> None:
    sh("create deployment d --image=i:1")
    for condition in ("--for=condition=Available", "--for=jsonpath={.status.readyReplicas}=1"):
        sh('patch deployment d --subresource=status --type=merge -p {"status":null}')
        waiting = sh.kubectl.popen("-n", sh.namespace, "wait", condition, "deployment/d", "--timeout=60s")
        status = {"readyReplicas": 1, "conditions": [{"type": "Available", "status": "True"}]}
        sh("patch deployment d --subresource=status --type=merge -p", json.dumps({"status": status}))
        assert waiting.wait(60) == 0, condition
        assert waiting.stdout is not None
        waiting.stdout.close()


def test_a_namespace_goes_with_a_word_about_what_it_waits_for(sh: Shell) -> None:
    name = f"{sh.namespace}-gone"
    sh(f"create namespace {name}")
    sh(f"delete namespace {name} --wait=false")
    assert eventually(lambda: "Terminating" in sh(f"get namespace {name}"))
    refused = sh.kubectl.run("create", "configmap", "late", "-n", name).stderr
    assert "because it is being terminated" in refused
