"""`kubectl create` and its like: each generator makes what it makes on a cluster, in the form that kubectl sends."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.integration.kubectl.conftest import Shell

RBAC = "rbac.authorization.k8s.io"
MADE = [
    ("role r --verb=get --resource=pods,deployments.apps", f"role.{RBAC}/r", "{.rules[1].apiGroups[0]}", "apps"),
    ("rolebinding rb --role=r --user=bob", f"rolebinding.{RBAC}/rb", "{.subjects[0].apiGroup}", RBAC),
    ("configmap c --from-literal=a=b", "configmap/c", "{.data.a}", "b"),
    ("secret generic s --from-literal=a=b", "secret/s", "{.data.a}", "Yg=="),
    (
        "secret docker-registry d --docker-server=x --docker-username=u --docker-password=p",
        "secret/d",
        "{.type}",
        "kubernetes.io/dockerconfigjson",
    ),
    ("cronjob cj --image=i:1 --schedule=@daily -- date", "cronjob.batch/cj", "{.spec.concurrencyPolicy}", "Allow"),
    ("job j --image=i:1 -- date", "job.batch/j", "{.spec.template.spec.restartPolicy}", "Never"),
    ("job again --from=cronjob/cj", "job.batch/again", "{.metadata.ownerReferences[0].kind}", "CronJob"),
    ("deployment d --image=i:1 --replicas=2 --port=80", "deployment.apps/d", "{.spec.strategy.type}", "RollingUpdate"),
    (
        "ingress i --class=c --rule=x.com/bar=svc:80,tls=cert",
        "ingress.networking.k8s.io/i",
        "{.spec.rules[0].http.paths[0].backend.service.port.number}",
        "80",
    ),
    ("poddisruptionbudget p --selector=a=b --min-available=50%", "poddisruptionbudget.policy/p", "{.spec}", "50%"),
    ("quota q --hard=cpu=1,pods=2 --scopes=BestEffort", "resourcequota/q", "{.spec.hard.pods}", "2"),
    ("service clusterip ip --tcp=80:8080", "service/ip", "{.spec.ports[0].targetPort}", "8080"),
    ("service clusterip none --clusterip=None", "service/none", "{.spec.clusterIP}", "None"),
    ("service nodeport np --tcp=80", "service/np", "{.spec.type}", "NodePort"),
    ("service loadbalancer lb --tcp=80", "service/lb", "{.spec.type}", "LoadBalancer"),
    ("service externalname en --external-name=x.com", "service/en", "{.spec.externalName}", "x.com"),
    ("serviceaccount sa", "serviceaccount/sa", "{.metadata.name}", "sa"),
]


@pytest.mark.parametrize(("line", "named", "path", "value"), MADE, ids=[line.split(" --")[0] for line, *_ in MADE])
def test_what_is_created_is_there(sh: Shell, line: str, named: str, path: str, value: str) -> None:
    dry = sh(f"create --dry-run=server -o name {line}") if "--" not in line.split() else named
    assert dry.strip() == named
    assert sh(f"create {line}") == f"{named} created\n"
    assert value in sh(f"get {named} -o jsonpath={path}")


def test_cluster_wide_kinds_are_created_too(sh: Shell) -> None:
    name = sh.namespace
    for line, named in (
        (f"clusterrole {name} --verb=get --resource=pods", f"clusterrole.{RBAC}/{name}"),
        (f"clusterrolebinding {name} --clusterrole={name} --user=u --group=g", f"clusterrolebinding.{RBAC}/{name}"),
        (f"priorityclass {name} --value=10 --description=ten", f"priorityclass.scheduling.k8s.io/{name}"),
        (f"namespace {name}-more", f"namespace/{name}-more"),
    ):
        assert sh(f"create {line}") == f"{named} created\n"
        sh(f"delete --wait=false {named}")


def test_a_tls_secret_is_made_of_files(sh: Shell, tmp_path: Path) -> None:
    key, cert = tmp_path / "k", tmp_path / "c"
    openssl = f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {cert} -subj /CN=x -days 1"
    subprocess.run(openssl.split(), check=True, capture_output=True)
    assert sh(f"create secret tls tls --cert={cert} --key={key}") == "secret/tls created\n"
    assert "kubernetes.io/tls   2" in sh("get secret tls")


def test_a_job_made_from_a_cronjob_keeps_the_whole_pod(sh: Shell) -> None:
    container = {
        "name": "c",
        "image": "i:1",
        "env": [{"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
        "readinessProbe": {"exec": {"command": ["true"]}},
        "securityContext": {"runAsNonRoot": True},
    }
    pod = {"containers": [container], "volumes": [{"name": "v", "emptyDir": {}}], "restartPolicy": "Never"}
    template = {"spec": {"template": {"spec": pod}}}
    meta = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "whole"}}
    sh.apply({**meta, "spec": {"schedule": "@daily", "jobTemplate": template}})
    sh("create job whole --from=cronjob/whole")
    before = sh.json("get cronjob whole")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert sh.json("get job whole")["spec"]["template"]["spec"] == before


def test_a_token_is_handed_out(sh: Shell) -> None:
    sh("create serviceaccount robot")
    assert sh("create token robot --duration=10m").count(".") == 2


def test_run_expose_and_autoscale(sh: Shell) -> None:
    assert sh("run web --image=i:1 --port=80 --labels=app=web --env=A=b") == "pod/web created\n"
    assert sh("expose pod web --port=80 --target-port=8080") == "service/web exposed\n"
    sh("create deployment scaled --image=i:1")
    said = sh("autoscale deployment scaled --min=1 --max=3 --cpu=70%")
    assert said == "horizontalpodautoscaler.autoscaling/scaled autoscaled\n"
    assert "Deployment/scaled   cpu: <unknown>/70%   1         3         0" in sh("get hpa scaled")


def test_autoscalers_are_the_same_in_both_versions(sh: Shell) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
    memory = {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}
    metrics = [{"type": "Resource", "resource": memory}]
    for version, more in (("v1", {"targetCPUUtilizationPercentage": 60}), ("v2", {"metrics": metrics})):
        spec = {"scaleTargetRef": target, "maxReplicas": 3, **more}
        scaler = {
            "apiVersion": f"autoscaling/{version}",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": version},
        }
        sh.apply({**scaler, "spec": spec})
    old, new = "horizontalpodautoscalers.v1.autoscaling", "horizontalpodautoscalers.v2.autoscaling"
    for named in (old, new):
        assert "cpu: <unknown>/60%   1         3" in sh(f"get {named} v1")
    assert sh(f"get {old} v1 -o jsonpath={{.spec.targetCPUUtilizationPercentage}}") == "60"
    assert "autoscaling.alpha.kubernetes.io/metrics" in sh(f"get {old} v2 -o yaml")
    sh(f"patch {old} v2 --type=merge -p", '{"spec": {"maxReplicas": 4}}')
    kept = sh.json(f"get {new} v2")
    assert (kept["spec"]["maxReplicas"], kept["spec"]["metrics"]) == (4, metrics)
    assert "autoscaling.alpha.kubernetes.io/metrics" not in kept["metadata"]["annotations"]


def test_a_dry_run_shows_what_would_be_and_stores_nothing(sh: Shell) -> None:
    for where in ("client", "server"):
        assert "image: i:1" in sh(f"run ghost --image=i:1 --dry-run={where} -o yaml")
    assert 'pods "ghost" not found' in sh.fails("get pod ghost")


def test_a_cluster_address_is_given_once(sh: Shell) -> None:
    sh("create service clusterip mine --tcp=80")
    address = sh("get service mine -o jsonpath={.spec.clusterIP}")
    for asked, why in (
        (address, f"failed to allocate IP {address}: provided IP is already allocated"),
        ("10.9.9.9", "the provided IP (10.9.9.9) is not in the valid range"),
        ("x", "must be a valid IP address"),
    ):
        assert why in sh.fails(f"create service clusterip theirs --tcp=80 --clusterip={asked}")
    sh("delete service mine")
    assert sh(f"create service clusterip theirs --tcp=80 --clusterip={address}") == "service/theirs created\n"


def test_what_is_there_already_is_not_made_again(sh: Shell) -> None:
    sh("create configmap once")
    assert sh.fails("create configmap once") == 'error: failed to create configmap: configmaps "once" already exists\n'
