"""What a pod, a workload, a Job or a CronJob must be like: one flaw each, and Kubernetes' words for it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kgents.embedded.apiserver.kinds import workloads
from kgents.embedded.apiserver.kinds.basics import SecretStrategy
from kgents.embedded.apiserver.kinds.cron_checks import schedule_problem, zone_problem
from kgents.embedded.apiserver.kinds.pods import PodStrategy
from kgents.embedded.apiserver.kinds.priorities import PriorityStrategy
from kgents.embedded.apiserver.kinds.rbac import RoleStrategy
from kgents.embedded.apiserver.kinds.service_checks import check_service
from kgents.embedded.apiserver.kinds.services import ServiceStrategy
from kgents.embedded.apiserver.strategy import Strategy, Write

Object = dict[str, Any]
WRITE = Write(api=None, namespace="n", name="x")  # type: ignore[arg-type]
LABEL = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"


def told(strategy: Strategy, obj: Object) -> list[str]:
    """What is said of a new object."""
    obj = {"metadata": {"name": "x", "uid": "u"}, **obj}
    strategy.default(obj)
    strategy.prepare_create(obj, WRITE)
    return [str(cause) for cause in strategy.validate(obj, WRITE)]


def told_of_change(strategy: Strategy, old: Object, **spec: Any) -> list[str]:
    """What is said when an object that was fine gets other values in its spec."""
    old = {"metadata": {"name": "x", "uid": "u"}, **copy.deepcopy(old)}
    strategy.default(old)
    strategy.prepare_create(old, WRITE)
    new = copy.deepcopy(old)
    new["spec"].update(spec)
    strategy.default(new)
    return [str(cause) for cause in strategy.validate_update(new, old, WRITE)]


def pod(**spec: Any) -> Object:
    return {"spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


def container(**fields: Any) -> Object:
    return pod(containers=[{"name": "c", "image": "i", **fields}])


C = "spec.containers[0]"
PODS = [
    (pod(containers=[{}]), [f"{C}.name: Required value", f"{C}.image: Required value"]),
    (container(image=" i"), [f'{C}.image: Invalid value: " i": must not have leading or trailing whitespace']),
    (
        container(imagePullPolicy="Sometimes"),
        [f'{C}.imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"'],
    ),
    (
        container(ports=[{"containerPort": 0}, {"containerPort": 70000}]),
        [
            f"{C}.ports[0].containerPort: Required value",
            f"{C}.ports[1].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
        ],
    ),
    (
        container(ports=[{"containerPort": 1, "name": "p"}, {"containerPort": 2, "name": "p"}]),
        [f'{C}.ports[1].name: Duplicate value: "p"'],
    ),
    (
        container(ports=[{"containerPort": 1, "name": "a-name-that-is-long"}]),
        [f'{C}.ports[0].name: Invalid value: "a-name-that-is-long": must be no more than 15 bytes'],
    ),
    (
        container(env=[{"name": "A=b"}]),
        [
            f'{C}.env[0].name: Invalid value: "A=b": a valid environment variable name must consist only of printable '
            "ASCII characters other than '='"
        ],
    ),
    (
        container(env=[{"name": "A", "value": "b", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]),
        [f'{C}.env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'],
    ),
    (
        container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.x"}}}]),
        [
            f'{C}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.x": error converting fieldPath: field '
            "label not supported: spec.x"
        ],
    ),
    (
        container(env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s"}}}]),
        [f"{C}.env[0].valueFrom.secretKeyRef.key: Required value"],
    ),
    (
        container(envFrom=[{}]),
        [f'{C}.envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`'],
    ),
    (
        container(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1500m"}}),
        [f'{C}.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1500m'],
    ),
    (
        container(resources={"requests": {"room": "1"}}),
        [
            f'{C}.resources.requests[room]: Invalid value: "room": must be a standard resource type or fully qualified',
            f'{C}.resources.requests[room]: Invalid value: "room": must be a standard resource for containers',
        ],
    ),
    (
        container(volumeMounts=[{"name": "v", "mountPath": "/v"}]),
        [f'{C}.volumeMounts[0].name: Not found: "v"'],
    ),
    (
        pod(
            volumes=[{"name": "v"}],
            containers=[
                {"name": "c", "image": "i", "volumeMounts": [{"name": "v", "mountPath": "/v"}] * 2},
            ],
        ),
        [f'{C}.volumeMounts[1].mountPath: Invalid value: "/v": must be unique'],
    ),
    (
        pod(volumes=[{"name": "v", "emptyDir": {}, "hostPath": {"path": "/"}}]),
        ["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"],
    ),
    (pod(volumes=[{"name": "v", "configMap": {}}]), ["spec.volumes[0].configMap.name: Required value"]),
    (pod(volumes=[{"name": "v"}, {"name": "v"}]), ['spec.volumes[1].name: Duplicate value: "v"']),
    (container(livenessProbe={}), [f"{C}.livenessProbe: Required value: must specify a handler type"]),
    (
        container(livenessProbe={"exec": {"command": ["x"]}, "tcpSocket": {"port": 1}, "successThreshold": 2}),
        [
            f"{C}.livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
            f"{C}.livenessProbe.successThreshold: Invalid value: 2: must be 1",
        ],
    ),
    (
        pod(initContainers=[{"name": "i", "image": "i", "lifecycle": {"preStop": {"exec": {"command": ["x"]}}}}]),
        [
            "spec.initContainers[0].lifecycle: Forbidden: may not be set for init containers without "
            "restartPolicy=Always"
        ],
    ),
    (
        pod(tolerations=[{"effect": "NoSchedule"}]),
        [
            'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which '
            'means "match all values and all keys"'
        ],
    ),
    (
        pod(activeDeadlineSeconds=0),
        ["spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"],
    ),
    (
        pod(ephemeralContainers=[{"name": "e", "image": "i"}]),
        ["spec.ephemeralContainers: Forbidden: cannot be set on create"],
    ),
]


@pytest.mark.parametrize(("obj", "causes"), PODS)
def test_of_a_pod_every_flaw_is_told(obj: Object, causes: list[str]) -> None:
    assert told(PodStrategy(), obj) == causes


def test_a_name_is_a_label() -> None:
    assert told(PodStrategy(), container(name="A_b"))[0].startswith(f'{C}.name: Invalid value: "A_b": {LABEL}')


CHANGES = [
    ({"terminationGracePeriodSeconds": 5}, "spec: Forbidden: pod updates may not change fields other than"),
    ({"containers": []}, "spec.containers: Forbidden: pod updates may not add or remove containers"),
    (
        {"activeDeadlineSeconds": 20},
        "spec.activeDeadlineSeconds: Invalid value: 20: must be less than or equal to previous value",
    ),
    (
        {"activeDeadlineSeconds": None},
        "spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value",
    ),
    (
        {"tolerations": []},
        "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds",
    ),
]


@pytest.mark.parametrize(("spec", "cause"), CHANGES)
def test_hardly_anything_of_a_pod_may_change(spec: Object, cause: str) -> None:
    old = pod(activeDeadlineSeconds=10, tolerations=[{"key": "k", "operator": "Exists"}])
    assert told_of_change(PodStrategy(), old, **spec)[-1].startswith(cause)


def workload(template: Object | None = None, **spec: Any) -> Object:
    labels = {"metadata": {"labels": {"a": "b"}}, **pod(**(template or {}))}
    return {"spec": {"selector": {"matchLabels": {"a": "b"}}, "template": labels, **spec}}


DEPLOYMENT, STATEFUL, DAEMONS = workloads.DeploymentStrategy, workloads.StatefulSetStrategy, workloads.DaemonSetStrategy
NOT_FOR_GOOD = 'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'
WORKLOADS = [
    (DEPLOYMENT, workload({"restartPolicy": "Never"}), NOT_FOR_GOOD),
    (
        DEPLOYMENT,
        workload(strategy={"type": "Recreate", "rollingUpdate": {}}),
        "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ),
    (
        DEPLOYMENT,
        workload(strategy={"type": "Sudden"}),
        'spec.strategy.type: Unsupported value: "Sudden": supported values: "Recreate", "RollingUpdate"',
    ),
    (
        DEPLOYMENT,
        workload(strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}),
        'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
    ),
    (
        DEPLOYMENT,
        workload(minReadySeconds=600),
        "spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds",
    ),
    (
        DAEMONS,
        workload(selector={"matchExpressions": [{"key": "a", "operator": "In"}]}),
        "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or "
        "'NotIn'",
    ),
    (
        DEPLOYMENT,
        workload(selector={"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}),
        'spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`',
    ),
    (
        STATEFUL,
        workload(selector={}),
        "spec.selector: Invalid value: {}: empty selector is invalid for statefulset",
    ),
    (
        STATEFUL,
        workload(podManagementPolicy="Any"),
        "spec.podManagementPolicy: Invalid value: \"Any\": must be 'OrderedReady' or 'Parallel'",
    ),
    (DAEMONS, workload({"restartPolicy": "Never"}), NOT_FOR_GOOD),
    (
        DAEMONS,
        workload(updateStrategy={"rollingUpdate": {"maxUnavailable": 0}}),
        "spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0",
    ),
]


@pytest.mark.parametrize(("strategy", "obj", "cause"), WORKLOADS)
def test_of_a_workload_the_flaw_is_told(strategy: type[Strategy], obj: Object, cause: str) -> None:
    assert told(strategy(), obj) == [cause]


def test_a_selector_that_cannot_be_read_picks_nothing() -> None:
    causes = told(DEPLOYMENT(), workload(selector={"matchLabels": {"a": "b c"}}))
    assert causes[0].startswith('spec.selector.matchLabels: Invalid value: "b c": a valid label must be')
    assert causes[1:] == ['spec.selector: Invalid value: {"matchLabels":{"a":"b c"}}: invalid label selector']


def test_the_pods_of_a_stateful_set_may_mount_claims_that_are_yet_to_be_made() -> None:
    mounting = {"containers": [{"name": "c", "image": "i", "volumeMounts": [{"name": "claim", "mountPath": "/v"}]}]}
    assert told(STATEFUL(), workload(mounting)) == []


def test_of_a_stateful_set_little_may_change() -> None:
    assert told_of_change(STATEFUL(), workload(), replicas=3) == []
    assert told_of_change(STATEFUL(), workload(), serviceName="other") == [
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
        "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are "
        "forbidden"
    ]


def job(**spec: Any) -> Object:
    return {"spec": {"template": pod(restartPolicy="Never"), **spec}}


RULE = "spec.podFailurePolicy.rules[0]"
JOBS = [
    (
        {"template": pod()},
        ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ),
    ({"parallelism": -1}, ["spec.parallelism: Invalid value: -1: must be greater than or equal to 0"]),
    (
        {"completionMode": "Indexed", "parallelism": 1},
        ["spec.completions: Required value: when completion mode is Indexed"],
    ),
    (
        {"completionMode": "Any"},
        [
            'spec.completionMode: Unsupported value: "Any": supported values: "NonIndexed", "Indexed"',
        ],
    ),
    (
        {"backoffLimitPerIndex": 1},
        ["spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"],
    ),
    (
        {"podFailurePolicy": {"rules": [{"action": "FailJob"}]}},
        [f"{RULE}: Invalid value: specifying one of OnExitCodes and OnPodConditions is required"],
    ),
    (
        {"podFailurePolicy": {"rules": [{"onExitCodes": {"operator": "In", "values": [2, 0]}}]}},
        [
            f'{RULE}.action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]',
            f"{RULE}.onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator",
            f"{RULE}.onExitCodes.values: Invalid value: [2,0]: must be ordered",
        ],
    ),
    (
        {"selector": {"matchLabels": {"a": "b"}}},
        [
            'spec.selector: Invalid value: {"matchLabels":{"a":"b","batch.kubernetes.io/controller-uid":"u"}}: '
            "`selector` not auto-generated",
            'spec.template.metadata.labels: Invalid value: {"batch.kubernetes.io/controller-uid":"u",'
            '"batch.kubernetes.io/job-name":"x","controller-uid":"u","job-name":"x"}: `selector` does not match '
            "template `labels`",
        ],
    ),
]


@pytest.mark.parametrize(("spec", "causes"), JOBS)
def test_of_a_job_every_flaw_is_told(spec: Object, causes: list[str]) -> None:
    assert told(workloads.JobStrategy(), job(**spec)) == causes


def test_labels_of_an_earlier_job_are_not_taken_over() -> None:
    template = {"metadata": {"labels": {"job-name": "earlier"}}, **pod(restartPolicy="Never")}
    (cause,) = told(workloads.JobStrategy(), job(template=template))
    assert cause.startswith("spec.template.metadata.labels[job-name]: Invalid value: {")
    assert cause.endswith(": must be 'x'")


def test_a_job_without_labels_is_labelled_as_its_pods_are() -> None:
    obj = {"metadata": {"name": "x", "uid": "u"}, **job()}
    workloads.JobStrategy().default(obj)
    workloads.JobStrategy().prepare_create(obj, WRITE)
    assert obj["metadata"]["labels"] == obj["spec"]["template"]["metadata"]["labels"]
    assert obj["metadata"]["labels"]["job-name"] == "x"


def test_what_a_job_does_is_settled_and_how_much_of_it_at_once_is_not() -> None:
    strategy = workloads.JobStrategy()
    assert told_of_change(strategy, job(), parallelism=3, suspend=True) == []
    assert told_of_change(strategy, job(), completions=3) == ["spec.completions: Invalid value: 3: field is immutable"]
    assert told_of_change(strategy, job(), backoffLimitPerIndex=1)[-1].endswith("1: field is immutable")
    indexed = job(completionMode="Indexed", completions=2, parallelism=2)
    assert told_of_change(strategy, indexed, completions=3, parallelism=3) == []
    assert told_of_change(strategy, indexed, completions=3) == [
        "spec.completions: Invalid value: 3: can only be modified in tandem with spec.parallelism"
    ]


@pytest.mark.parametrize(("suspend", "ok"), [(True, True), (False, False)])
def test_only_before_it_starts_a_job_may_be_sent_elsewhere(suspend: bool, ok: bool) -> None:
    old = job(suspend=suspend)
    told_uid = {"metadata": {"name": "x", "uid": "u"}, **copy.deepcopy(old)}
    workloads.JobStrategy().default(told_uid)
    workloads.JobStrategy().prepare_create(told_uid, WRITE)
    template = told_uid["spec"]["template"]
    template["spec"]["nodeSelector"] = {"disk": "ssd"}
    causes = told_of_change(workloads.JobStrategy(), old, template=template)
    assert [cause.partition(":")[0] for cause in causes] == ([] if ok else ["spec.template"])


def test_of_a_cron_job_every_flaw_is_told() -> None:
    template = {"spec": {"template": pod(restartPolicy="Never")}}
    spec = {"schedule": "x", "timeZone": "No/Where", "concurrencyPolicy": "Any", "jobTemplate": template}
    assert told(workloads.CronJobStrategy(), {"spec": spec}) == [
        'spec.schedule: Invalid value: "x": expected exactly 5 fields, found 1: [x]',
        'spec.timeZone: Invalid value: "No/Where": unknown time zone No/Where',
        'spec.concurrencyPolicy: Unsupported value: "Any": supported values: "Allow", "Forbid", "Replace"',
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("* * * * *", ""),
        ("*/5 1-3,7 1 jan,FEB mon-fri", ""),
        ("5/10 * ? * *", ""),
        ("@daily", ""),
        ("@every 1h30m", ""),
        ("@often", "unrecognized descriptor: @often"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("* * * * 7", "end of range (7) above maximum (6): 7"),
        ("5-2 * * * *", "beginning of range (5) beyond end of range (2): 5-2"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("*/2/3 * * * *", "too many slashes: */2/3"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
    ],
)
def test_a_schedule_is_read_as_kubernetes_reads_it(text: str, problem: str) -> None:
    assert schedule_problem(text) == problem


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Europe/Berlin", ""),
        ("", "timeZone must be nil or non-empty string"),
        ("../etc", "unknown time zone ../etc"),
        ("local", "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"),
    ],
)
def test_a_time_zone_is_one_of_those_that_there_are(name: str, problem: str) -> None:
    assert zone_problem(name) == problem


PORT = {"port": 80}
ONLY_BALANCED = "Forbidden: may only be used when `type` is 'LoadBalancer'"
SERVICES = [
    (
        {"type": "Any", "ports": [PORT]},
        [
            'spec.type: Unsupported value: "Any": supported values: "ClusterIP", "ExternalName", "LoadBalancer", '
            '"NodePort"'
        ],
    ),
    (
        {"ports": [{**PORT, "name": "a"}, {**PORT, "name": "a", "targetPort": "A"}]},
        [
            'spec.ports[1].name: Duplicate value: "a"',
            'spec.ports[1].targetPort: Invalid value: "A": must contain only alpha-numeric characters (a-z, 0-9), and '
            "hyphens (-)",
            'spec.ports[1].targetPort: Invalid value: "A": must contain at least one letter (a-z)',
            'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,'
            '"NodePort":0}',
        ],
    ),
    (
        {"ports": [{**PORT, "protocol": "ICMP"}]},
        ['spec.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"'],
    ),
    (
        {"type": "NodePort", "clusterIP": "None", "ports": [PORT]},
        ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"],
    ),
    (
        {"type": "ExternalName", "externalName": "a.b.", "clusterIP": "10.0.0.1"},
        ["spec.clusterIPs: Forbidden: may not be set for ExternalName services"],
    ),
    ({"type": "ExternalName"}, ["spec.externalName: Required value"]),
    (
        {"sessionAffinity": "Any", "ports": [PORT]},
        ['spec.sessionAffinity: Unsupported value: "Any": supported values: "ClientIP", "None"'],
    ),
    (
        {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 0}}, "ports": [PORT]},
        [
            "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less "
            "than 86400"
        ],
    ),
    (
        {"externalIPs": ["127.0.0.1", "x"], "ports": [PORT]},
        [
            'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
            'spec.externalIPs[1]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        ],
    ),
    (
        {"externalTrafficPolicy": "Local", "ports": [PORT]},
        ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'],
    ),
    (
        {"healthCheckNodePort": 30000, "ports": [PORT]},
        [
            "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and "
            "`externalTrafficPolicy` is 'Local'"
        ],
    ),
    (
        {"internalTrafficPolicy": "Any", "ports": [PORT]},
        ['spec.internalTrafficPolicy: Unsupported value: "Any": supported values: "Cluster", "Local"'],
    ),
    ({"loadBalancerClass": "a/b", "ports": [PORT]}, [f"spec.loadBalancerClass: {ONLY_BALANCED}"]),
    (
        {"loadBalancerSourceRanges": ["10.0.0.0/8"], "ports": [PORT]},
        [f"spec.LoadBalancerSourceRanges: {ONLY_BALANCED}"],
    ),
    (
        {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0"], "ports": [PORT]},
        [
            'spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. '
            "10.9.8.0/24 or 2001:db8::/64)"
        ],
    ),
    (
        {"ipFamilies": ["IPv5", "IPv6"], "ports": [PORT]},
        [
            'spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"',
            'spec.ipFamilies[1]: Invalid value: "IPv6": not configured on this cluster',
        ],
    ),
    (
        {"ipFamilyPolicy": "RequireDualStack", "ports": [PORT]},
        [
            'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack '
            "services"
        ],
    ),
    ({"clusterIP": "None", "ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6"]}, []),
    ({"clusterIP": "None"}, []),
    ({"externalIPs": ["1.2.3.4"], "ports": [PORT]}, []),
]


@pytest.mark.parametrize(("spec", "causes"), SERVICES)
def test_of_a_service_every_flaw_is_told(spec: Object, causes: list[str]) -> None:
    obj = {"metadata": {"name": "x"}, "spec": copy.deepcopy(spec)}
    ServiceStrategy().default(obj)
    assert [str(cause) for cause in check_service(obj["spec"])] == causes


HIDDEN = 'Invalid value: "<secret contents redacted>"'
SECRETS = [
    ({"type": "acme.io/own"}, []),
    ({"type": "kubernetes.io/tls", "stringData": {"tls.crt": ""}}, ["data[tls.key]: Required value"]),
    (
        {"type": "kubernetes.io/service-account-token"},
        ["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
    ),
    (
        {"type": "kubernetes.io/basic-auth"},
        ["data[username]: Required value", "data[password]: Required value"],
    ),
    ({"type": "kubernetes.io/basic-auth", "stringData": {"password": ""}}, []),
    ({"type": "kubernetes.io/ssh-auth"}, ["data[ssh-privatekey]: Required value"]),
    ({"type": "kubernetes.io/dockercfg"}, ["data[.dockercfg]: Required value"]),
    (
        {"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": "no"}},
        [f"data[.dockerconfigjson]: {HIDDEN}: invalid character 'o' in literal null (expecting 'u')"],
    ),
    (
        {"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": "[]"}},
        [
            f"data[.dockerconfigjson]: {HIDDEN}: json: cannot unmarshal array into Go value of type "
            "map[string]interface {}"
        ],
    ),
    ({"stringData": {"a": "b" * (1024 * 1024 + 1)}}, ["data: Too long: may not be more than 1048576 bytes"]),
]


@pytest.mark.parametrize(("secret", "causes"), SECRETS)
def test_a_secret_of_a_known_type_has_what_belongs_to_it(secret: Object, causes: list[str]) -> None:
    assert told(SecretStrategy(), copy.deepcopy(secret)) == causes


BUDGETS = [
    ({"minAvailable": 1, "maxUnavailable": 2}, "spec: Invalid value: {"),
    ({"minAvailable": "x"}, 'spec.minAvailable: Invalid value: "x": a valid percent string must be a numeric string'),
    ({"maxUnavailable": "101%"}, 'spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%'),
    (
        {"selector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}},
        'spec.selector.matchExpressions[0].operator: Invalid value: "Like": not a valid selector operator',
    ),
]


@pytest.mark.parametrize(("spec", "cause"), BUDGETS)
def test_a_budget_counts_in_one_way(spec: Object, cause: str) -> None:
    (found,) = told(workloads.BudgetStrategy(), {"spec": spec})
    assert found.startswith(cause)


@pytest.mark.parametrize(
    ("obj", "cause"),
    [
        (
            {"metadata": {"name": "system-own"}},
            "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. "
            "error: system-own is not a known system priority class",
        ),
        (
            {"value": 1_000_000_001},
            "value: Forbidden: maximum allowed value of a user defined priority is 1000000000",
        ),
    ],
)
def test_the_highest_priorities_are_the_systems_own(obj: Object, cause: str) -> None:
    assert told(PriorityStrategy(), obj) == [cause]


def test_what_a_role_is_put_together_from_must_be_a_selector() -> None:
    role = {"kind": "ClusterRole", "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "-"}}]}}
    (cause,) = told(RoleStrategy(), role)
    assert cause.startswith('aggregationRule.clusterRoleSelectors[0].matchLabels: Invalid value: "-": a valid label')
