"""The five kinds as typed dictionaries, in the API's own camelCase: what `crds/` says, for a type checker.

Required keys are those that the API server demands. A field with a default is optional here: an object on its way to
the server may lack it. A test holds these and the CRDs together field by field.
"""

from __future__ import annotations

from typing import Any, Literal, Required, TypedDict

# fmt: off
Genus = Literal[
    "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N",
    "O", "P", "Q", "R", "S", "T", "U", "V", "W", "X", "Y", "Z", "PSI", "OMEGA",
]
PheromoneType = Literal[
    "WARNING", "OPPORTUNITY", "SCARCITY", "CAPABILITY", "INTENT", "STATE", "MEMORY",
    "NARRATIVE", "METAPHOR", "DREAM", "TEST", "CHAOS", "REVIEW_REQUEST",
]
# fmt: on
AgentPhase = Literal["Pending", "Running", "Degraded", "Safemode", "Suspended", "Failed", "Terminating"]
CognitiveHealth = Literal["Healthy", "Degraded", "Unresponsive", "Unknown"]
MemoryType = Literal["Ephemeral", "KeyValue", "Vector"]
MemoryPhase = Literal["Pending", "Bound", "Retained", "Failed"]
RetentionPolicy = Literal["Delete", "Retain"]
ProposalPhase = Literal[
    "Pending",
    "Reviewing",
    "Blocked",
    "Approved",
    "Merged",
    "Rejected",
    "Expired",
    "Superseded",
    "Failed",
    "RolledBack",
]
RiskLevel = Literal["Low", "Medium", "High"]
Quantity = str | int
"""A Kubernetes quantity: `250m`, `128Mi`, 2."""


class ObjectMeta(TypedDict, total=False):
    name: str
    generateName: str
    namespace: str
    uid: str
    resourceVersion: str
    generation: int
    creationTimestamp: str
    deletionTimestamp: str
    labels: dict[str, str]
    annotations: dict[str, str]
    finalizers: list[str]
    ownerReferences: list[dict[str, Any]]


class Condition(TypedDict, total=False):
    type: Required[str]
    status: Required[Literal["True", "False", "Unknown"]]
    observedGeneration: int
    lastTransitionTime: Required[str]
    reason: Required[str]
    message: Required[str]


class CauseObject(TypedDict, total=False):
    apiVersion: str
    kind: Required[str]
    namespace: str
    name: Required[str]


class CauseSnapshot(TypedDict, total=False):
    type: str
    intensity: float
    line: str


class Cause(TypedDict, total=False):
    """What led to something, with what mattered about it: the object itself may be gone."""

    object: CauseObject
    uid: str
    trace: str
    snapshot: CauseSnapshot


class SecretRef(TypedDict, total=False):
    name: Required[str]


class EnvVar(TypedDict, total=False):
    name: Required[str]
    value: str
    valueFrom: dict[str, Any]


class EnvSource(TypedDict, total=False):
    name: Required[str]
    optional: bool


class EnvFrom(TypedDict, total=False):
    prefix: str
    configMapRef: EnvSource
    secretRef: EnvSource


class Port(TypedDict, total=False):
    name: str
    containerPort: Required[int]
    protocol: Literal["TCP", "UDP"]


class Resources(TypedDict, total=False):
    requests: dict[str, Quantity]
    limits: dict[str, Quantity]


class TemplateMeta(TypedDict, total=False):
    labels: dict[str, str]
    annotations: dict[str, str]


class Template(TypedDict, total=False):
    metadata: TemplateMeta
    spec: dict[str, Any]


class WorkloadRef(TypedDict, total=False):
    apiVersion: Literal["apps/v1", "v1"]
    kind: Required[Literal["Deployment", "StatefulSet", "Pod"]]
    name: Required[str]
    uid: str
    container: str


class AdoptedWorkload(TypedDict, total=False):
    kind: Required[str]
    name: Required[str]
    uid: Required[str]
    generation: int
    replicas: int
    container: str


class ModelSecretRef(TypedDict, total=False):
    name: Required[str]
    key: str


class Model(TypedDict, total=False):
    provider: str
    name: str
    baseURL: str
    secretRef: ModelSecretRef


class Tool(TypedDict, total=False):
    name: Required[str]
    description: str
    url: str
    command: list[str]


class Reconciliation(TypedDict, total=False):
    sequential: bool
    idempotent: bool


class MemorySymbiont(TypedDict, total=False):
    enabled: bool
    type: MemoryType
    size: Quantity
    retentionPolicy: RetentionPolicy


class PersonaSymbiont(TypedDict, total=False):
    enabled: bool


class Symbionts(TypedDict, total=False):
    memory: MemorySymbiont
    persona: PersonaSymbiont


class Health(TypedDict, total=False):
    type: Literal["HTTP", "Cognitive", "None"]
    path: str
    port: int
    period: str
    failureThreshold: int
    onFailure: Literal["Safemode", "Restart"]


class Network(TypedDict, total=False):
    allowedPeers: list[str]
    allowEgress: bool


class ReplicaBounds(TypedDict, total=False):
    min: int
    max: int


class ResourceBounds(TypedDict, total=False):
    max: dict[str, Quantity]


class Autonomy(TypedDict, total=False):
    replicas: ReplicaBounds
    resources: ResourceBounds
    images: list[str]
    configKeys: list[str]


class Constraints(TypedDict, total=False):
    tokenBudget: int
    ratePerMinute: int
    maxConcurrency: int


class Persona(TypedDict, total=False):
    warmth: float
    directness: float
    humor: float
    verbosity: float


class Senses(TypedDict, total=False):
    sense: list[PheromoneType]
    emit: list[PheromoneType]


class UmweltFields(TypedDict, total=False):
    """What an Umwelt says, wherever it stands: in its own object or inside of an agent."""

    affordances: list[str]
    autonomy: Autonomy
    constraints: Constraints
    persona: Persona
    senses: Senses
    secretRef: SecretRef


class Signal(TypedDict, total=False):
    match: Required[str]
    type: Required[PheromoneType]
    payload: str
    halfLife: str
    minInterval: str


class HttpReaction(TypedDict, total=False):
    port: int
    path: str


class Then(TypedDict, total=False):
    file: str
    http: HttpReaction


class Reaction(TypedDict, total=False):
    type: Required[PheromoneType]
    minIntensity: Required[float]
    then: Required[Then]


class ReactionState(TypedDict, total=False):
    type: Required[str]
    minIntensity: Required[float]
    active: Required[bool]
    since: str


class AgentSpec(TypedDict, total=False):
    genus: Genus
    image: str
    command: list[str]
    args: list[str]
    entrypoint: str
    workingDir: str
    env: list[EnvVar]
    envFrom: list[EnvFrom]
    ports: list[Port]
    replicas: int
    resources: Resources
    suspend: bool
    template: Template
    workloadRef: WorkloadRef
    model: Model
    tools: list[Tool]
    reconciliation: Reconciliation
    symbionts: Symbionts
    health: Health
    network: Network
    umwelt: UmweltFields
    config: dict[str, str]
    signals: list[Signal]
    reactions: list[Reaction]


class AgentStatus(TypedDict, total=False):
    observedGeneration: int
    phase: AgentPhase
    replicas: int
    readyReplicas: int
    restarts: int
    cognitiveHealth: CognitiveHealth
    lastProbeTime: str
    workload: AdoptedWorkload
    selector: str
    suppressedSignals: int
    refusedWrites: int
    reactions: list[ReactionState]
    conditions: list[Condition]


class Agent(TypedDict, total=False):
    apiVersion: str
    kind: str
    metadata: ObjectMeta
    spec: Required[AgentSpec]
    status: AgentStatus


class PheromoneSpec(TypedDict, total=False):
    type: Required[PheromoneType]
    source: str
    target: str
    initialIntensity: float
    halfLife: str
    emittedAt: str
    ttl: str
    payload: str
    position: dict[str, float]
    causedBy: list[Cause]
    claimable: bool


class PheromoneStatus(TypedDict, total=False):
    observedGeneration: int
    claimedBy: str
    claimedAt: str
    claimedUntil: str
    doneAt: str
    conditions: list[Condition]


class Pheromone(TypedDict, total=False):
    apiVersion: str
    kind: str
    metadata: ObjectMeta
    spec: Required[PheromoneSpec]
    status: PheromoneStatus


class MemorySpec(TypedDict, total=False):
    owner: Required[str]
    type: MemoryType
    size: Quantity
    retentionPolicy: RetentionPolicy


class MemoryStatus(TypedDict, total=False):
    observedGeneration: int
    phase: MemoryPhase
    claimName: str
    usedBytes: int
    entries: int
    lastAccess: str
    conditions: list[Condition]


class Memory(TypedDict, total=False):
    apiVersion: str
    kind: str
    metadata: ObjectMeta
    spec: Required[MemorySpec]
    status: MemoryStatus


class UmweltSpec(UmweltFields, total=False):
    agent: Required[str]


class UmweltStatus(TypedDict, total=False):
    observedGeneration: int
    role: str
    activePods: int
    conditions: list[Condition]


class Umwelt(TypedDict, total=False):
    apiVersion: str
    kind: str
    metadata: ObjectMeta
    spec: Required[UmweltSpec]
    status: UmweltStatus


class Target(TypedDict, total=False):
    apiVersion: str
    kind: Required[str]
    name: Required[str]
    namespace: str


class Patch(TypedDict, total=False):
    type: Literal["Apply", "Merge", "Json"]
    content: Required[Any]


class Decision(TypedDict, total=False):
    approved: bool
    reason: str
    diffDigest: str
    rollback: bool
    by: str


class ProposalSpec(TypedDict, total=False):
    target: Required[Target]
    patch: Patch
    delete: bool
    reason: Required[str]
    proposer: Required[str]
    via: str
    causedBy: list[Cause]
    ttl: str
    decision: Decision


class Risk(TypedDict, total=False):
    base: float
    velocity: float
    cumulative: float
    total: float
    level: RiskLevel
    reasons: list[str]


class Evidence(TypedDict, total=False):
    source: Required[str]
    message: Required[str]
    time: str


class TargetResource(TypedDict, total=False):
    group: str
    version: str
    resource: str
    namespace: str
    verb: Literal["create", "patch", "delete"]


class ProposalStatus(TypedDict, total=False):
    observedGeneration: int
    phase: ProposalPhase
    risk: Risk
    diff: str
    diffDigest: str
    before: dict[str, Any]
    mergingAt: str
    bakeUntil: str
    evidence: list[Evidence]
    targetResource: TargetResource
    decidedBy: str
    mergedAt: str
    seq: int
    prevHash: str
    hash: str
    conditions: list[Condition]


class Proposal(TypedDict, total=False):
    apiVersion: str
    kind: str
    metadata: ObjectMeta
    spec: Required[ProposalSpec]
    status: ProposalStatus
