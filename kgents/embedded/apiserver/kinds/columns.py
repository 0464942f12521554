"""The columns that `kubectl get` shows for built-in kinds, as k8s.io/kubernetes/pkg/printers declares them."""

from __future__ import annotations

from kgents.embedded.apiserver.kinds.column import Column
from kgents.embedded.apiserver.kinds.columns_cluster import CLUSTER
from kgents.embedded.apiserver.kinds.columns_core import CORE
from kgents.embedded.apiserver.kinds.columns_workloads import SCALE, WORKLOADS

COLUMNS: dict[str, tuple[Column, ...]] = {**CORE, **WORKLOADS, **CLUSTER, "scale": SCALE}
"""For each resource: every column after the name."""

NAMELESS = frozenset({"events", "events.events.k8s.io"})
"""Resources whose rows do not begin with the name."""
