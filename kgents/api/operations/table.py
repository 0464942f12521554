"""Which operation stands behind a path's id. Imported only when it is carried out: a command needs one of them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from kgents.api.operations.requests import Call, Operation

_WHERE = {
    "agents.adopt": ("adopting", "adopt"),
    "agents.define": ("agents", "define"),
    "agents.release": ("adopting", "release"),
    "agents.suspend": ("brakes", "suspend"),
    "agents.resume": ("brakes", "resume"),
    "agents.terminate": ("agents", "terminate"),
    "cluster.apply": ("agents", "apply"),
    "cluster.brakes": ("brakes", "brakes"),
    "cluster.freeze": ("brakes", "freeze"),
    "cluster.thaw": ("brakes", "thaw"),
    "objects.get": ("objects", "get"),
    "pheromones.emit": ("signals", "emit"),
    "proposals.define": ("proposals", "define"),
    "proposals.diff": ("proposals", "diff"),
    "proposals.approve": ("proposals", "approve"),
    "proposals.reject": ("proposals", "reject"),
    "proposals.rollback": ("proposals", "rollback"),
    "witness.explain": ("why", "explain"),
    "witness.audit": ("audit", "trail"),
    "witness.verify": ("audit", "verify"),
}
IDS = frozenset(_WHERE)


def operation(id: str) -> Callable[[Call], Operation]:
    """The operation of that id. Raises KeyError."""
    module, name = _WHERE[id]
    found: Callable[[Call], Operation] = getattr(import_module(f"kgents.api.operations.{module}"), name)
    return found
