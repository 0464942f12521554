"""The commands that change what is there: one line each, and what it leaves behind."""

from __future__ import annotations

import json

import pytest

from tests.integration.kubectl.conftest import Shell, config_map

D, C = "deployment d", "configmap c"
IMAGE = "{.spec.template.spec.containers[0].image}"
CHANGES = [
    ("set image deployment/d i=i:2", "deployment.apps/d image updated", D, IMAGE, "i:2"),
    ("set env deployment/d A=b", "deployment.apps/d env updated", D, "{..env[0].value}", "b"),
    (
        "set resources deployment d --limits=cpu=200m",
        "deployment.apps/d resource requirements updated",
        D,
        "{..limits.cpu}",
        "200m",
    ),
    (
        "set serviceaccount deployment d sa",
        "deployment.apps/d serviceaccount updated",
        D,
        "{..serviceAccountName}",
        "sa",
    ),
    ("set selector service s app=z", "service/s selector updated", "service s", "{.spec.selector.app}", "z"),
    (
        "set subject rolebinding b --user=al",
        "rolebinding.rbac.authorization.k8s.io/b subjects updated",
        "rolebinding b",
        "{.subjects[1].name}",
        "al",
    ),
    ("label configmap c x=y", "configmap/c labeled", C, "{.metadata.labels.x}", "y"),
    ("label configmap c x=z --overwrite", "configmap/c labeled", C, "{.metadata.labels.x}", "z"),
    ("label configmap c x-", "configmap/c unlabeled", C, "{.metadata.labels}", ""),
    ("annotate configmap c q=r", "configmap/c annotated", C, "{.metadata.annotations.q}", "r"),
    ('patch configmap c -p {"data":{"n":"1"}}', "configmap/c patched", C, "{.data.n}", "1"),
    ('patch configmap c --type=merge -p {"data":{"n":null}}', "configmap/c patched", C, "{.data.n}", ""),
    (
        'patch configmap c --type=json -p [{"op":"add","path":"/data/n","value":"2"}]',
        "configmap/c patched",
        C,
        "{.data.n}",
        "2",
    ),
    ('patch configmap c -p {"data":{"n":"2"}}', "configmap/c patched (no change)", C, "{.data.n}", "2"),
    (
        'patch deployment d --subresource=status --type=merge -p {"status":{"readyReplicas":1}}',
        "deployment.apps/d patched",
        D,
        "{.status.readyReplicas}",
        "1",
    ),
    (
        'patch deployment d --subresource=scale --type=merge -p {"spec":{"replicas":3}}',
        "scale.autoscaling/d patched",
        D,
        "{.spec.replicas}",
        "3",
    ),
    ("scale deployment d --current-replicas=3 --replicas=2", "deployment.apps/d scaled", D, "{.spec.replicas}", "2"),
    ("rollout pause deployment/d", "deployment.apps/d paused", D, "{.spec.paused}", "true"),
    ("rollout resume deployment/d", "deployment.apps/d resumed", D, "{.spec.paused}", ""),
]
REFUSED = [
    ("scale deployment d --current-replicas=9 --replicas=1", "Expected replicas to be 9, was 2"),
    ("label configmap c a=b=c", "invalid label spec: a=b=c"),
    ("annotate configmap c q=s", "already has a value (r)"),
    ('patch configmap c --type=json -p [{"op":"remove","path":"/data/none"}]', "the server rejected our request"),
    (
        'patch configmap c -p {"data":{"n":3}}',
        "number into Go struct field ConfigMap.data of type string",
    ),
    ("set image deployment/d nobody=i:2", 'unable to find container named "nobody"'),
    ("rollout undo deployment/d", "no rollout history found"),
]


@pytest.fixture(scope="module", autouse=True)
def things(sh: Shell) -> None:
    sh("create deployment d --image=i:1")
    sh("create configmap c --from-literal=a=b")
    sh("create service clusterip s --tcp=80")
    sh("create rolebinding b --role=r --user=bob")


@pytest.mark.alone("plays the Deployment controller")
def test_each_command_changes_what_it_says(sh: Shell) -> None:
    for line, said, what, path, value in CHANGES:
        assert sh(line) == f"{said}\n", line
        assert sh(f"get {what} -o jsonpath={path}") == value, line
    for line, why in REFUSED:
        assert why in sh.fails(line), line


def test_a_restart_is_written_into_the_template(sh: Shell) -> None:
    assert sh("rollout restart deployment/d") == "deployment.apps/d restarted\n"
    assert "restartedAt" in sh("get deployment d -o jsonpath={.spec.template.metadata.annotations}")


def test_an_edit_is_stored_and_an_idle_one_is_not(sh: Shell) -> None:
    sh.apply(config_map("edited", a="before"))
    edit = ("edit", "configmap", "edited", "-n", sh.namespace)
    done = sh.kubectl.run(*edit, env={"KUBE_EDITOR": "sed -i s/before/after/"})
    assert done.stdout == "configmap/edited edited\n", done.stderr
    assert sh("get configmap edited -o jsonpath={.data.a}") == "after"
    assert "no changes made" in sh.kubectl.run(*edit, env={"KUBE_EDITOR": "true"}).stderr


def test_replace_takes_what_was_got_and_force_makes_it_anew(sh: Shell) -> None:
    sh.apply(config_map("r", a="1"))
    got = sh("get configmap r -o json")
    changed = got.replace('"a": "1"', '"a": "2"')
    assert sh("replace -f -", input=changed) == "configmap/r replaced\n"
    assert "the object has been modified" in sh.fails("replace -f -", input=got)
    forced = sh("replace --force -f -", input=got)
    assert forced == f'configmap "r" deleted from {sh.namespace} namespace\nconfigmap/r replaced\n'
    assert sh.json("get configmap r")["metadata"]["uid"] != json.loads(got)["metadata"]["uid"]


def test_a_node_port_is_given_kept_and_given_back(sh: Shell) -> None:
    sh("create service nodeport first --tcp=80 --node-port=30123")
    for port, why in (("30123", "provided port is already allocated"), ("80", "range of valid ports is 30000-32767")):
        assert why in sh.fails(f"create service nodeport second --tcp=80 --node-port={port}")
    sh('patch service first -p {"spec":{"ports":[{"port":80,"name":"renamed"}]}}')
    assert "80:30123/TCP" in sh("get service first")
    sh('patch service first -p {"spec":{"type":"ClusterIP"}}')
    spec = sh.json("get service first")["spec"]
    assert "nodePort" not in spec["ports"][0] and "externalTrafficPolicy" not in spec


def test_a_headless_service_without_pods_is_of_both_families(sh: Shell) -> None:
    for name, selector in (("bare", {}), ("chosen", {"a": "b"})):
        spec = {"clusterIP": "None", "selector": selector}
        sh.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
    found = [sh.json(f"get service {name}")["spec"] for name in ("bare", "chosen")]
    assert [(spec["ipFamilyPolicy"], spec["ipFamilies"]) for spec in found] == [
        ("RequireDualStack", ["IPv4", "IPv6"]),
        ("SingleStack", ["IPv4"]),
    ]


def test_what_a_type_of_service_lacks_goes_with_the_change(sh: Shell) -> None:
    sh("create service loadbalancer turns --tcp=80")
    sh('patch service turns -p {"spec":{"externalTrafficPolicy":"Local"}}')
    asked = sh.json("get service turns")["spec"]["healthCheckNodePort"]
    assert 30000 <= asked <= 32767
    sh("label service turns still=there")
    assert sh.json("get service turns")["spec"]["healthCheckNodePort"] == asked
    sh('patch service turns -p {"spec":{"externalTrafficPolicy":"Cluster"}}')
    assert "healthCheckNodePort" not in sh.json("get service turns")["spec"]
    sh('patch service turns -p {"spec":{"type":"ExternalName","externalName":"example.org"}}')
    spec = sh.json("get service turns")["spec"]
    assert not {"clusterIP", "clusterIPs", "ipFamilies", "allocateLoadBalancerNodePorts"} & set(spec)


def test_nodes_are_tainted_cordoned_and_drained(sh: Shell) -> None:
    name = f"node-{sh.namespace}"
    sh("create -f -", input=json.dumps({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}))
    for line, said in (
        (f"taint nodes {name} a=b:NoSchedule", f"node/{name} tainted\n"),
        (f"taint nodes {name} a-", f"node/{name} untainted\n"),
        (f"cordon {name}", f"node/{name} cordoned\n"),
        (f"uncordon {name}", f"node/{name} uncordoned\n"),
        (f"drain {name}", f"node/{name} cordoned\nnode/{name} drained\n"),
    ):
        assert sh(line) == said
    assert "Unknown,SchedulingDisabled" in sh(f"get node {name}")
    sh(f"delete node {name}")
