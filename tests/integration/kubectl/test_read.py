"""What kubectl shows: tables of every kind, and all the other forms of output."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.kubectl.conftest import Shell, config_map

POD = {"containers": [{"name": "c", "image": "i:1"}]}
LABELS = {"app": "x"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": POD}
SELECTED = {"selector": {"matchLabels": LABELS}, "template": TEMPLATE}
RBAC = "rbac.authorization.k8s.io"
BACKEND = {"service": {"name": "s", "port": {"number": 80}}}
RULE = {"host": "x.com", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": BACKEND}]}}
HALF = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["y", "x"]}]}
SUBJECTS = [{"kind": "User", "name": "u", "apiGroup": RBAC}, {"kind": "ServiceAccount", "name": "default"}]


def thing(version: str, kind: str, **rest: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "t"}, **rest}


def job() -> dict[str, Any]:
    return {"template": {"spec": {**POD, "restartPolicy": "Never"}}, "completions": 3}


KINDS: list[tuple[dict[str, Any], str, str]] = [
    (thing("v1", "Pod", spec=POD), "READY STATUS RESTARTS AGE IP NODE NOMINATED·NODE READINESS·GATES", "0/1 Pending 0"),
    (thing("v1", "PodTemplate", template=TEMPLATE), "CONTAINERS IMAGES POD·LABELS", "c i:1 app=x"),
    (
        thing("v1", "ReplicationController", spec={"template": TEMPLATE, "replicas": 2}),
        "DESIRED CURRENT READY AGE CONTAINERS IMAGES SELECTOR",
        "2 0 0 AGE c i:1 app=x",
    ),
    (
        thing("v1", "Service", spec={"ports": [{"port": 80}], "externalIPs": ["1.2.3.4"], "clusterIP": "None"}),
        "TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE SELECTOR",
        "ClusterIP None 1.2.3.4 80/TCP AGE <none>",
    ),
    (
        thing("v1", "Endpoints", subsets=[{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 8}]}]),
        "ENDPOINTS AGE",
        "10.0.0.1:8",
    ),
    (
        thing(
            "v1",
            "PersistentVolumeClaim",
            spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        ),
        "STATUS VOLUME CAPACITY ACCESS·MODES STORAGECLASS VOLUMEATTRIBUTESCLASS AGE VOLUMEMODE",
        "Pending",
    ),
    (thing("v1", "LimitRange", spec={"limits": []}), "CREATED·AT", ""),
    (thing("v1", "ResourceQuota", spec={"hard": {"pods": "2"}}), "REQUEST LIMIT AGE", ""),
    (thing("v1", "Secret", stringData={"a": "b"}), "TYPE DATA AGE", "Opaque 1"),
    (thing("v1", "ServiceAccount"), "AGE", ""),
    (
        thing("apps/v1", "Deployment", spec=SELECTED),
        "READY UP-TO-DATE AVAILABLE AGE CONTAINERS IMAGES SELECTOR",
        "0/1 0 0 AGE c i:1 app=x",
    ),
    (
        thing("apps/v1", "ReplicaSet", spec={**SELECTED, "replicas": 2}),
        "DESIRED CURRENT READY AGE CONTAINERS IMAGES SELECTOR",
        "2 0 0 AGE c i:1 app=x",
    ),
    (thing("apps/v1", "StatefulSet", spec=SELECTED), "READY AGE CONTAINERS IMAGES", "0/1 AGE c i:1"),
    (
        thing("apps/v1", "DaemonSet", spec=SELECTED),
        "DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE·SELECTOR AGE CONTAINERS IMAGES SELECTOR",
        "0 0 0 0 0 <none> AGE c i:1 app=x",
    ),
    (thing("apps/v1", "ControllerRevision", revision=3), "CONTROLLER REVISION AGE", "<none> 3"),
    (thing("batch/v1", "Job", spec=job()), "STATUS COMPLETIONS DURATION AGE CONTAINERS IMAGES SELECTOR", "Running 0/3"),
    (
        thing("batch/v1", "CronJob", spec={"schedule": "@daily", "jobTemplate": {"spec": job()}}),
        "SCHEDULE TIMEZONE SUSPEND ACTIVE LAST·SCHEDULE AGE CONTAINERS IMAGES SELECTOR",
        "@daily <none> False 0 <none> AGE c i:1 <none>",
    ),
    (
        thing("policy/v1", "PodDisruptionBudget", spec={"minAvailable": 1, "selector": {"matchLabels": LABELS}}),
        "MIN·AVAILABLE MAX·UNAVAILABLE ALLOWED·DISRUPTIONS AGE",
        "1 N/A 0",
    ),
    (thing("coordination.k8s.io/v1", "Lease", spec={"holderIdentity": "me"}), "HOLDER AGE", "me"),
    (
        thing(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            addressType="IPv4",
            ports=[{"port": 80}],
            endpoints=[{"addresses": [f"10.0.0.{number}"]} for number in range(1, 6)],
        ),
        "ADDRESSTYPE PORTS ENDPOINTS AGE",
        "IPv4 80 10.0.0.1,10.0.0.2,10.0.0.3 + 2 more...",
    ),
    (thing("networking.k8s.io/v1", "NetworkPolicy", spec={"podSelector": HALF}), "POD-SELECTOR AGE", "app in (x,y)"),
    (
        thing("networking.k8s.io/v1", "Ingress", spec={"rules": [RULE], "tls": [{}]}),
        "CLASS HOSTS ADDRESS PORTS AGE",
        "<none> x.com 80, 443",
    ),
    (thing(f"{RBAC}/v1", "Role", rules=[]), "CREATED·AT", ""),
    (
        thing(f"{RBAC}/v1", "RoleBinding", roleRef={"kind": "Role", "name": "r", "apiGroup": RBAC}, subjects=SUBJECTS),
        "ROLE AGE USERS GROUPS SERVICEACCOUNTS",
        "Role/r AGE u NS/default",
    ),
]


@pytest.fixture(scope="module", autouse=True)
def zoo(sh: Shell) -> Iterator[None]:
    """One object of every namespaced kind."""
    for subject in SUBJECTS:
        if subject["kind"] == "ServiceAccount":
            subject["namespace"] = sh.namespace
    sh.apply(*(obj for obj, *_ in KINDS))
    yield


def test_every_kind_has_the_columns_it_has_on_a_cluster(sh: Shell) -> None:
    for obj, columns, cells in KINDS:
        header, row = sh(f"get {obj['kind'].lower()} t -o wide").splitlines()
        assert re.sub("  +", "|", header.strip()).replace(" ", "·").split("|") == ["NAME", *columns.split()], obj[
            "kind"
        ]
        shown = re.sub(r"\s+", " ", re.sub(r"\b\d+[sm]\b", "AGE", row)).strip()
        assert shown.startswith(f"t {cells}".strip().replace("NS", sh.namespace)), obj["kind"]


def test_every_kind_is_described(sh: Shell) -> None:
    for obj, *_ in KINDS:
        described = sh(f"describe {obj['kind'].lower()} t")
        assert re.search(r"^Name: +t$", described, re.M), obj["kind"]
        assert "error" not in described.lower().replace("<error: services", ""), described


def test_cluster_wide_kinds_have_their_columns_too(sh: Shell) -> None:
    name = sh.namespace
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    meta = {"name": name, "annotations": default}
    classes = thing("storage.k8s.io/v1", "StorageClass", provisioner="p") | {"metadata": meta}
    controller = {"controller": "x.com/c"}
    ingress = thing("networking.k8s.io/v1", "IngressClass", spec=controller) | {"metadata": {"name": name}}
    volume = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteMany"], "hostPath": {"path": "/x"}}
    disk = thing("v1", "PersistentVolume", spec=volume) | {"metadata": {"name": name}}
    sh.apply(classes, ingress, disk)
    assert re.search(rf"^{name} \(default\) +p +Delete +Immediate +false +", sh(f"get sc {name} --no-headers"))
    assert re.search(rf"^{name} +x.com/c +<none> +", sh(f"get ingressclass {name} --no-headers"))
    assert re.search(rf"^{name} +1Gi +RWX +", sh(f"get pv {name} --no-headers"))
    sh(f"delete storageclass/{name} ingressclass/{name} persistentvolume/{name}")


def test_an_object_comes_in_every_form(sh: Shell) -> None:
    sh.apply(config_map("f", {"l": "v"}, a="b"))
    for form, shown in (
        ("name", "configmap/f\n"),
        ("jsonpath={.data.a}", "b"),
        ("go-template={{.data.a}}", "b"),
        ("custom-columns=N:.metadata.name,A:.data.a", "N     A\nf     b\n"),
    ):
        assert sh(f"get configmap f -o {form}") == shown
    assert "data:\n  a: b\n" in sh("get configmap f -o yaml")
    assert "managedFields" in sh("get configmap f -o yaml --show-managed-fields")
    assert re.search(r"^NAME +DATA +AGE +L\nf +1 +\S+ +v\n$", sh("get configmap f -L l"))
    assert re.search(r" LABELS\nf +1 +\S+ +l=v\n$", sh("get configmap f --show-labels"))


def test_lists_are_selected_sorted_and_cut_into_chunks(sh: Shell) -> None:
    sh.apply(*(config_map(name, {"part": "list"}) for name in ("z", "y", "x")))
    for flags, names in (
        ("-l part=list", "xyz"),
        ("-l part=list --chunk-size=1", "xyz"),
        ("-l part=list --sort-by={.metadata.name}", "xyz"),
        ("-l part=list --field-selector=metadata.name=y", "y"),
        ("-l part=list --field-selector=metadata.name!=y", "xz"),
        ("-l part!=list,part", ""),
        ("-l part=list -A", "xyz"),
    ):
        assert sh(f"get configmaps -o name {flags}").split() == [f"configmap/{name}" for name in names], flags


def test_several_types_and_subresources_are_shown(sh: Shell) -> None:
    both = sh("get deployment,replicaset t")
    assert "deployment.apps/t" in both and "replicaset.apps/t" in both
    assert re.match(r"NAME +DESIRED +AVAILABLE +AGE\nt +1 +0 +", sh("get deployment t --subresource=scale"))
    assert "0/1" in sh("get deployment t --subresource=status")
    assert "pod/t" in sh("get all")


def test_what_is_not_there_is_told_as_a_cluster_tells_it(sh: Shell) -> None:
    for line, said in (
        ("get nothing", 'error: the server doesn\'t have a resource type "nothing"\n'),
        ("get configmap none", 'Error from server (NotFound): configmaps "none" not found\n'),
        ("get --raw /nowhere", "Error from server (NotFound): the server could not find the requested resource\n"),
        ("logs t", "Error from server (BadRequest): pod t does not have a host assigned\n"),
        ("exec t -- ls", "error: unable to upgrade connection: pods/exec is not implemented by the embedded hive\n"),
    ):
        assert sh.fails(line) == said
    assert sh("get configmap none --ignore-not-found") == ""
    debug = sh.fails("debug t --image=i:1")
    assert "(NotImplemented): pods/ephemeralcontainers is not implemented by the embedded hive" in debug


def test_a_watch_shows_what_comes(sh: Shell) -> None:
    sh.apply(config_map("w0", {"w": ""}))
    watching = sh.kubectl.popen("-n", sh.namespace, "get", "configmaps", "-w", "-l", "w", "-o", "name")
    assert watching.stdout is not None
    try:
        assert watching.stdout.readline() == "configmap/w0\n"
        sh.apply(config_map("w1", {"w": ""}))
        assert watching.stdout.readline() == "configmap/w1\n"
    finally:
        watching.terminate()
        watching.wait()
        watching.stdout.close()


def test_both_kinds_of_events_are_the_same_events(sh: Shell) -> None:
    about = {"kind": "Pod", "name": "t", "namespace": sh.namespace, "apiVersion": "v1", "uid": uid(sh)}
    event = {
        **thing("events.k8s.io/v1", "Event", regarding=about, note="it goes", reason="Went", action="Go"),
        "type": "Normal",
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "x.com/me",
        "reportingInstance": "me-1",
    }
    sh("create -f -", input=json.dumps(event))
    for line in ("get events", "get events.events.k8s.io", "events --for pod/t", "events --types=Normal"):
        assert re.search("Normal +Went +[Pp]od/t +it goes", sh(line)), line
    assert re.search("Normal +Went +.* +x.com/me +it goes", sh("describe pod t"))
    assert sh.json("get events t")["involvedObject"] == about


def test_metrics_pushed_by_a_node_are_topped(sh: Shell) -> None:
    metrics = {
        **thing("metrics.k8s.io/v1beta1", "PodMetrics", timestamp="2026-01-01T00:00:00Z", window="5s"),
        "containers": [{"name": "c", "usage": {"cpu": "250m", "memory": "64Mi"}}],
    }
    path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{sh.namespace}/pods"
    sh(f"create --raw {path} -f -", input=json.dumps(metrics))
    assert re.search(r"^t +250m +64Mi", sh("top pods --no-headers"), re.M)


def uid(sh: Shell) -> str:
    return str(sh.json("get pod t")["metadata"]["uid"])


def test_the_server_says_what_it_serves(sh: Shell) -> None:
    wide = sh.kubectl("api-resources", "-o", "wide", "--api-group=apps")
    assert re.search(r"deployments +deploy +apps/v1 +true +Deployment +create,delete,.*,watch +all", wide), wide
    assert (
        sh.kubectl("api-resources", "-o", "name", "--namespaced=false", "--categories=api-extensions").count("\n") >= 5
    )
    assert {"v1", "apps/v1", "autoscaling/v2", "events.k8s.io/v1"} <= set(sh.kubectl("api-versions").split())
    assert "is running at https://" in re.sub("\x1b.*?m", "", sh.kubectl("cluster-info"))
    assert "Server Version: v1.36" in sh.kubectl("version")


@pytest.mark.embedded("which checks there are differs from server to server")
def test_the_server_says_how_it_is(sh: Shell) -> None:
    def raw(path: str) -> str:
        return sh.kubectl("get", "--raw", path)

    assert (raw("/readyz"), raw("/livez/ping"), raw("/healthz?exclude=nothing")) == ("ok", "ok", "ok")
    assert raw("/livez?verbose&exclude=etcd&exclude=rain") == (
        "[+]ping ok\n[+]log ok\n[+]etcd excluded: ok\n"
        'warn: some health checks cannot be excluded: no matches for "rain"\nlivez check passed\n'
    )
    assert raw("/readyz?verbose").endswith("[+]shutdown ok\nreadyz check passed\n")
    assert "NotFound" in sh.kubectl.run("get", "--raw", "/readyz/rain").stderr
    assert "Forbidden" in sh.kubectl.run("get", "--raw", "/readyz/ping", "--as=nobody").stderr


def test_explain_reads_both_published_schemas(sh: Shell) -> None:
    for flags in ((), ("--output=plaintext-openapiv2",)):
        shown = sh.kubectl("explain", "deployment.spec.replicas", *flags)
        assert re.search(r"(FIELD|VERSION): +", shown) and "Number of desired pods" in shown
    recursive = sh.kubectl("explain", "ingress.spec", "--recursive", "--api-version=networking.k8s.io/v1")
    assert re.search(r"number\s+<integer>", recursive)
