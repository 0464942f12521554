"""Field numbers of the kinds that kubectl sends as protobuf whatever the server says it prefers.

A line is `Message: number name type, …`. Types: s text, b bytes, i integer, B boolean, T time, M time with fraction,
Q quantity, IS integer or text, a message's name; [x] a list, {x} a map from text. A star keeps a zero or empty value,
which Kubernetes sends for optional fields only when they were set.
"""

from __future__ import annotations

from functools import cache

TEXT = """
ObjectMeta: 1 name s, 2 generateName s, 3 namespace s, 5 uid s, 6 resourceVersion s, 7 generation i, 8 creationTimestamp T, 9 deletionTimestamp T, 10 deletionGracePeriodSeconds i*, 11 labels {s}, 12 annotations {s}, 13 ownerReferences [OwnerReference], 14 finalizers [s]
OwnerReference: 1 kind s, 3 name s, 4 uid s, 5 apiVersion s, 6 controller B*, 7 blockOwnerDeletion B*
ObjectReference: 1 kind s, 2 namespace s, 3 name s, 4 uid s, 5 apiVersion s, 6 resourceVersion s, 7 fieldPath s
LocalObjectReference: 1 name s
ConfigMap: 1 metadata ObjectMeta, 2 data {s}, 3 binaryData {b}, 4 immutable B*
Secret: 1 metadata ObjectMeta, 2 data {b}, 3 type s, 4 stringData {s}, 5 immutable B*
ServiceAccount: 1 metadata ObjectMeta, 2 secrets [ObjectReference], 3 imagePullSecrets [LocalObjectReference], 4 automountServiceAccountToken B*
Namespace: 1 metadata ObjectMeta, 2 spec NamespaceSpec, 3 status NamespaceStatus
NamespaceSpec: 1 finalizers [s]
NamespaceStatus: 1 phase s
Service: 1 metadata ObjectMeta, 2 spec ServiceSpec
ServiceSpec: 1 ports [ServicePort], 2 selector {s}, 3 clusterIP s, 4 type s, 5 externalIPs [s], 7 sessionAffinity s, 8 loadBalancerIP s, 9 loadBalancerSourceRanges [s], 10 externalName s, 11 externalTrafficPolicy s, 12 healthCheckNodePort i, 13 publishNotReadyAddresses B, 17 ipFamilyPolicy s*, 18 clusterIPs [s], 19 ipFamilies [s], 20 allocateLoadBalancerNodePorts B*, 21 loadBalancerClass s*, 22 internalTrafficPolicy s*
ServicePort: 1 name s, 2 protocol s, 3 port i, 4 targetPort IS, 5 nodePort i, 6 appProtocol s*
LabelSelector: 1 matchLabels {s}, 2 matchExpressions [LabelSelectorRequirement]
LabelSelectorRequirement: 1 key s, 2 operator s, 3 values [s]
Deployment: 1 metadata ObjectMeta, 2 spec DeploymentSpec
DeploymentSpec: 1 replicas i*, 2 selector LabelSelector*, 3 template PodTemplateSpec, 4 strategy DeploymentStrategy, 5 minReadySeconds i, 6 revisionHistoryLimit i*, 7 paused B, 9 progressDeadlineSeconds i*
DeploymentStrategy: 1 type s, 2 rollingUpdate RollingUpdateDeployment
RollingUpdateDeployment: 1 maxUnavailable IS, 2 maxSurge IS
PodTemplateSpec: 1 metadata ObjectMeta, 2 spec PodSpec
PodSpec: 2 containers [Container], 3 restartPolicy s, 4 terminationGracePeriodSeconds i*, 5 activeDeadlineSeconds i*, 6 dnsPolicy s, 7 nodeSelector {s}, 8 serviceAccountName s, 9 serviceAccount s, 10 nodeName s, 11 hostNetwork B, 15 imagePullSecrets [LocalObjectReference], 16 hostname s, 17 subdomain s, 19 schedulerName s, 20 initContainers [Container], 21 automountServiceAccountToken B*
Container: 1 name s, 2 image s, 3 command [s], 4 args [s], 5 workingDir s, 6 ports [ContainerPort], 7 env [EnvVar], 8 resources ResourceRequirements, 13 terminationMessagePath s, 14 imagePullPolicy s, 16 stdin B, 17 stdinOnce B, 18 tty B, 20 terminationMessagePolicy s
ContainerPort: 1 name s, 2 hostPort i, 3 containerPort i, 4 protocol s, 5 hostIP s
EnvVar: 1 name s, 2 value s
ResourceRequirements: 1 limits {Q}, 2 requests {Q}
Job: 1 metadata ObjectMeta, 2 spec JobSpec
JobSpec: 1 parallelism i*, 2 completions i*, 3 activeDeadlineSeconds i*, 4 selector LabelSelector*, 5 manualSelector B*, 6 template PodTemplateSpec, 7 backoffLimit i*, 8 ttlSecondsAfterFinished i*, 9 completionMode s*, 10 suspend B*
CronJob: 1 metadata ObjectMeta, 2 spec CronJobSpec
CronJobSpec: 1 schedule s, 2 startingDeadlineSeconds i*, 3 concurrencyPolicy s, 4 suspend B*, 5 jobTemplate JobTemplateSpec, 6 successfulJobsHistoryLimit i*, 7 failedJobsHistoryLimit i*, 8 timeZone s*
JobTemplateSpec: 1 metadata ObjectMeta, 2 spec JobSpec
PolicyRule: 1 verbs [s], 2 apiGroups [s], 3 resources [s], 4 resourceNames [s], 5 nonResourceURLs [s]
Role: 1 metadata ObjectMeta, 2 rules [PolicyRule]
ClusterRole: 1 metadata ObjectMeta, 2 rules [PolicyRule], 3 aggregationRule AggregationRule
AggregationRule: 1 clusterRoleSelectors [LabelSelector]
RoleBinding: 1 metadata ObjectMeta, 2 subjects [Subject], 3 roleRef RoleRef
ClusterRoleBinding: 1 metadata ObjectMeta, 2 subjects [Subject], 3 roleRef RoleRef
Subject: 1 kind s, 2 apiGroup s, 3 name s, 4 namespace s
RoleRef: 1 apiGroup s, 2 kind s, 3 name s
SelfSubjectReview: 1 metadata ObjectMeta
SelfSubjectAccessReview: 1 metadata ObjectMeta, 2 spec AccessReviewSpec
SubjectAccessReview: 1 metadata ObjectMeta, 2 spec AccessReviewSpec
LocalSubjectAccessReview: 1 metadata ObjectMeta, 2 spec AccessReviewSpec
AccessReviewSpec: 1 resourceAttributes ResourceAttributes*, 2 nonResourceAttributes NonResourceAttributes*, 3 user s, 4 groups [s], 6 uid s
ResourceAttributes: 1 namespace s, 2 verb s, 3 group s, 4 version s, 5 resource s, 6 subresource s, 7 name s
NonResourceAttributes: 1 path s, 2 verb s
SelfSubjectRulesReview: 1 metadata ObjectMeta, 2 spec SelfSubjectRulesReviewSpec
SelfSubjectRulesReviewSpec: 1 namespace s
TokenReview: 1 metadata ObjectMeta, 2 spec TokenReviewSpec
TokenReviewSpec: 1 token s, 2 audiences [s]
TokenRequest: 1 metadata ObjectMeta, 2 spec TokenRequestSpec
TokenRequestSpec: 1 audiences [s], 3 boundObjectRef BoundObjectReference*, 4 expirationSeconds i*
BoundObjectReference: 1 kind s, 2 apiVersion s, 3 name s, 4 uid s
PodDisruptionBudget: 1 metadata ObjectMeta, 2 spec PodDisruptionBudgetSpec
PodDisruptionBudgetSpec: 1 minAvailable IS, 2 selector LabelSelector*, 3 maxUnavailable IS
ResourceQuota: 1 metadata ObjectMeta, 2 spec ResourceQuotaSpec
ResourceQuotaSpec: 1 hard {Q}, 2 scopes [s]
PriorityClass: 1 metadata ObjectMeta, 2 value i*, 3 globalDefault B, 4 description s, 5 preemptionPolicy s*
Lease: 1 metadata ObjectMeta, 2 spec LeaseSpec
LeaseSpec: 1 holderIdentity s*, 2 leaseDurationSeconds i*, 3 acquireTime M, 4 renewTime M, 5 leaseTransitions i*
DeleteOptions: 1 gracePeriodSeconds i*, 2 preconditions Preconditions, 3 orphanDependents B*, 4 propagationPolicy s*, 5 dryRun [s]
Preconditions: 1 uid s*, 2 resourceVersion s*
Eviction: 1 metadata ObjectMeta, 2 deleteOptions DeleteOptions
"""  # noqa: E501 - a table reads best with one message on a line

Field = tuple[str, str, str, bool]


@cache
def messages() -> dict[str, dict[int, Field]]:
    """Each message's fields by number: name, type, shape ("", "list" or "map") and whether zeros are kept."""
    found: dict[str, dict[int, Field]] = {}
    for line in TEXT.strip().splitlines():
        name, _, fields = line.partition(": ")
        found[name] = dict(_field(text) for text in fields.split(", "))
    return found


def _field(text: str) -> tuple[int, Field]:
    number, name, kind = text.split(" ")
    shape = {"[": "list", "{": "map"}.get(kind[0], "")
    return int(number), (name, kind.strip("[]{}*"), shape, kind.endswith("*"))
