"""Adopted agents: which workload one is, which pods are the workload's own, and who else looks after it. Pure.

Everything is read off objects as they are: nothing of kgents stands on a workload that it has adopted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kgents.api.kinds import AGENT_LABEL, DEPLOYMENT, GROUP, POD, STATEFUL_SET

Object = Mapping[str, Any]
KINDS = {kind.kind: kind for kind in (DEPLOYMENT, STATEFUL_SET, POD)}
"""What can be adopted. A bare Pod only by way of what owns it, such as a Sandbox of agent-sandbox."""
OF_THE_WORKLOAD = frozenset(
    ("image", "command", "args", "entrypoint", "workingDir", "env", "envFrom", "replicas", "resources", "template")
)
"""Fields of an Agent's spec that are the workload's own, for one that adopts it."""
DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


@dataclass(frozen=True, slots=True)
class Ref:
    """`spec.workloadRef`: `uid` and `container` are "" where it does not say."""

    kind: str
    name: str
    uid: str = ""
    container: str = ""

    @property
    def text(self) -> str:
        """As people name it: Deployment/bot."""
        return f"{self.kind}/{self.name}"


def ref_of(agent: Object) -> Ref | None:
    """The workload that an Agent adopts; None for one that kgents makes itself, and for a reference that is none."""
    found = (agent.get("spec") or {}).get("workloadRef")
    if not isinstance(found, Mapping) or found.get("kind") not in KINDS or not found.get("name"):
        return None
    uid, container = (str(found.get(field) or "") for field in ("uid", "container"))
    return Ref(str(found["kind"]), str(found["name"]), uid, container)


def selector_of(workload: Object) -> str:
    """The label selector of its pods, as text; "" for a Pod, which is its own only one."""
    selector = (workload.get("spec") or {}).get("selector")
    if not isinstance(selector, Mapping):
        return ""
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for one in selector.get("matchExpressions") or ():
        key, operator, values = one["key"], one["operator"], ",".join(one.get("values") or ())
        words = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key}
        parts.append(words.get(operator, f"!{key}"))
    return ",".join(parts)


def owns(workload: Object, pod: Object) -> bool:
    """Whether the pod is the workload's own, by who controls it: what its selector matches beside these is not.

    A Deployment's pods are controlled by its ReplicaSets, which bear its name and the hash that is on the pod.
    """
    kind, metadata = workload["kind"], workload["metadata"]
    if kind == POD.kind:
        return bool(pod["metadata"].get("uid") == metadata.get("uid"))
    controller = controller_of(pod)
    if controller is None:
        return False
    if kind == DEPLOYMENT.kind:
        of_hash = (pod["metadata"].get("labels") or {}).get("pod-template-hash")
        return controller.get("kind") == "ReplicaSet" and controller.get("name") == f"{metadata['name']}-{of_hash}"
    return bool(controller.get("uid") == metadata.get("uid"))


def controller_of(obj: Object) -> Mapping[str, Any] | None:
    """The owner reference of the object's controller."""
    references = obj["metadata"].get("ownerReferences") or ()
    return next((one for one in references if one.get("controller")), None)


def maker_of(workload: Object) -> str:
    """The agent that made this workload, for one that kgents made; else ""."""
    controller = controller_of(workload)
    if controller is None or str(controller.get("apiVersion")).partition("/")[0] != GROUP:
        return ""
    return str((workload["metadata"].get("labels") or {}).get(AGENT_LABEL) or controller.get("name"))


def keeper_of(obj: Object) -> str:
    """The custom resource whose controller keeps the object as it is: `Sandbox box (agents.x-k8s.io)`; else "".

    kgents' own are left out, and so are the controllers of Kubernetes itself, which keep pods and not workloads.
    """
    controller = controller_of(obj)
    group = str(controller.get("apiVersion")).rpartition("/")[0] if controller else ""
    if controller is None or group in ("", "apps", "batch", GROUP):
        return ""
    return f"{controller.get('kind')} {controller.get('name')} ({group})"


def pod_spec(workload: Object) -> Mapping[str, Any]:
    """The spec of its pods."""
    spec = workload.get("spec") or {}
    return spec if workload["kind"] == POD.kind else (spec.get("template") or {}).get("spec") or {}


def container_of(workload: Object, ref: Ref) -> str:
    """The container that speaks for the agent: the one that is named, or the pod's default one, or its first."""
    if ref.container:
        return ref.container
    spec = workload.get("spec") or {}
    metadata = workload["metadata"] if workload["kind"] == POD.kind else (spec.get("template") or {}).get("metadata")
    default = ((metadata or {}).get("annotations") or {}).get(DEFAULT_CONTAINER)
    names = [str(one.get("name")) for one in pod_spec(workload).get("containers") or ()]
    return str(default) if default in names else next(iter(names), "")


def wanted_replicas(workload: Object) -> int:
    """How many pods its owner asks for."""
    if workload["kind"] == POD.kind:
        return 1
    found = (workload.get("spec") or {}).get("replicas")
    return 1 if found is None else int(found)


def is_of(agent: Object, kind: str, namespace: str, name: str) -> bool:
    """Whether the Agent adopts that workload."""
    ref = ref_of(agent)
    return ref is not None and (ref.kind, agent["metadata"].get("namespace"), ref.name) == (kind, namespace, name)


def came_first(agent: Object) -> tuple[str, str]:
    """Sorts Agents by when they were made: of several on one workload the first has it.

    Kubernetes tells that in whole seconds; within one, names decide, so that everybody who looks finds the same one.
    """
    return str(agent["metadata"].get("creationTimestamp") or ""), str(agent["metadata"].get("name") or "")


def pods_selector(agent: Object) -> str:
    """The label selector of an Agent's pods, adopted or its own, as its status says it."""
    said = (agent.get("status") or {}).get("selector")
    return str(said) if said else f"{AGENT_LABEL}={agent['metadata']['name']}"
