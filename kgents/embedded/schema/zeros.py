"""What a Go struct writes although nobody set it, so that clients with types can read every object of a built-in kind.

Kubernetes' API conventions (sig-architecture/api-conventions.md, "Primitive types" and "Optional vs. Required") let a
required field have no `omitempty`: its zero value is always written. `spec` and `status` are structs, never absent.
"""

from __future__ import annotations

from typing import Any

from kgents.embedded.schema.clone import clone
from kgents.embedded.schema.node import Node

STRUCTS = ("spec", "status")
ZEROS: dict[str, Any] = {"integer": 0, "boolean": False, "string": ""}
APPS, CORE, NETWORKING = "io.k8s.api.apps.v1", "io.k8s.api.core.v1", "io.k8s.api.networking.v1"
BUDGET = ("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods")
UNTOLD: dict[str, dict[str, Any]] = {
    f"{APPS}.StatefulSetStatus": {"availableReplicas": 0},
    f"{CORE}.ContainerStatus": {"lastState": {}, "state": {}},
    f"{CORE}.ServiceStatus": {"loadBalancer": {}},
    f"{NETWORKING}.IngressStatus": {"loadBalancer": {}},
    "io.k8s.api.policy.v1.PodDisruptionBudgetStatus": dict.fromkeys(BUDGET, 0),
}
"""Such fields that the published definitions do not call required."""


def fill_structs(root: Node, obj: dict[str, Any]) -> None:
    """Completes an object of a built-in kind, in place: empty structs, and zeros within the status."""
    for name in STRUCTS:
        node = root.properties.get(name)
        if node is not None and node.type == "object" and node.properties and obj.get(name) is None:
            obj[name] = {}
    status = root.properties.get("status")
    if status is not None:
        _fill_zeros(status, obj.get("status"))


def _fill_zeros(node: Node, value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            _fill_zeros(node.items or node, item)
        return
    if not isinstance(value, dict) or not node.properties:
        return
    for name in node.source.get("required") or ():
        child = node.properties.get(name)
        if name not in value and child is not None and child.type in ZEROS:
            value[name] = ZEROS[child.type]
    for name, zero in UNTOLD.get(node.definition, {}).items():
        value.setdefault(name, clone(zero))
    for name, item in value.items():
        child = node.properties.get(name)
        if child is not None and isinstance(item, dict | list):
            _fill_zeros(child, item)
