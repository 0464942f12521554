"""Jobs and StatefulSets as a user sees them: real pods, real exit codes, kubectl."""

from __future__ import annotations

from typing import Any

import pytest

from kgents.embedded.runtime.stopping import read_json
from tests.integration.runtime.hive import Node, container
from tests.support.waiting import eventually

Object = dict[str, Any]
pytestmark = pytest.mark.usefixtures("controllers")


def job(script: str, policy: str = "Never", **spec: Any) -> Object:
    main = {"name": "main", "image": "none", "command": ["sh", "-c", script]}
    pod = {"restartPolicy": policy, "automountServiceAccountToken": False, "containers": [main]}
    whole = {"template": {"spec": pod}, **spec}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "work"}, "spec": whole}


def wait(node: Node, condition: str) -> Object:
    node.kubectl(
        "wait", f"--for=condition={condition}", "job/work", "-n", node.namespace, "--timeout=120s", timeout=130
    )
    return dict(node.kubectl.json("get", "job", "work", "-n", node.namespace))


def pods(node: Node) -> list[Object]:
    return list(node.kubectl.json("get", "pods", "-n", node.namespace)["items"])


def test_each_index_knows_its_number_and_its_name(own_node: Node) -> None:
    own_node.apply(
        job('echo "$JOB_COMPLETION_INDEX $HOSTNAME"', completions=3, parallelism=3, completionMode="Indexed")
    )
    assert wait(own_node, "complete")["status"]["completedIndexes"] == "0-2"
    said = sorted(own_node.log_of(pod["metadata"]["name"]) for pod in pods(own_node))
    assert said == ["0 work-0", "1 work-1", "2 work-2"]


def test_an_exit_code_that_means_it_ends_the_job(own_node: Node) -> None:
    rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}
    own_node.apply(job("exit 42", podFailurePolicy={"rules": [rule]}))
    failed = next(one for one in wait(own_node, "failed")["status"]["conditions"] if one["type"] == "Failed")
    assert failed["reason"] == "PodFailurePolicy" and "exit code 42" in failed["message"]
    assert len(pods(own_node)) == 1


def test_on_failure_restarts_in_place(own_node: Node) -> None:
    own_node.apply(job("exit 3", "OnFailure", backoffLimit=1))
    failed = next(one for one in wait(own_node, "failed")["status"]["conditions"] if one["type"] == "Failed")
    assert failed["reason"] == "BackoffLimitExceeded"


def test_a_running_job_that_is_deleted_leaves_nothing(own_node: Node) -> None:
    own_node.apply(job("exec sleep 1000", parallelism=2, completions=2))
    running = eventually(lambda: [p for p in pods(own_node) if (p.get("status") or {}).get("phase") == "Running"][1:])
    folder = own_node.root / "pods" / running[0]["metadata"]["uid"]
    assert read_json(folder / "pod.json")

    own_node.kubectl("delete", "job", "work", "-n", own_node.namespace, "--timeout=60s")

    eventually(lambda: not pods(own_node))
    eventually(lambda: not folder.exists())


def test_a_kill_of_the_runtime_costs_a_job_nothing(own_node: Node) -> None:
    own_node.apply(job("sleep 2; echo done"))
    name = eventually(lambda: [p for p in pods(own_node) if (p.get("status") or {}).get("phase") == "Running"])[0][
        "metadata"
    ]["name"]

    own_node.kill()
    own_node.start()

    assert wait(own_node, "complete")["status"]["succeeded"] == 1
    assert [pod["metadata"]["name"] for pod in pods(own_node)] == [name]
    assert container(own_node.pod(name))["restartCount"] == 0


def test_a_stateful_pod_finds_its_files_again(own_node: Node) -> None:
    labels = {"app": "db"}
    script = "echo life >> $DATA/lives; cat $DATA/lives; exec sleep 1000"
    main: Object = {
        "name": "main",
        "image": "none",
        "command": ["sh", "-c", script.replace("$DATA", "$KGENTS_POD_ROOT/data")],
    }
    main["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": [main], "terminationGracePeriodSeconds": 1}}
    claim: Object = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    claim["spec"]["resources"] = {"requests": {"storage": "1Gi"}}
    spec = {"serviceName": "db", "selector": {"matchLabels": labels}, "template": template}
    whole = {**spec, "volumeClaimTemplates": [claim]}
    own_node.apply({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}, "spec": whole})
    own_node.said("db-0", "life")

    own_node.kubectl("delete", "pod", "db-0", "-n", own_node.namespace, "--timeout=60s")

    own_node.said("db-0", "life\nlife")
