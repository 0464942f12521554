"""Signals: to say something that fades by itself."""

from __future__ import annotations

import os
from typing import Any

from kgents.api import duration, pheromone, rows, times
from kgents.api.errors import UsageError
from kgents.api.kinds import API_VERSION, PHEROMONE
from kgents.api.operations.requests import Call, Create, Object, Operation

_FIELDS = {"payload": "payload", "source": "source", "target": "target", "intensity": "initialIntensity"}


def emit(call: Call) -> Operation:
    """`kgents signal emit`."""
    made = yield Create(PHEROMONE, body(call), call.namespace)
    return [rows.pheromone_row(made, call.now)]


def body(call: Call) -> Object:
    """The signal to be made. Named here and not by the server: a second try cannot make a second signal."""
    given = call.arguments
    kind = str(given["type"]).upper()
    if kind not in pheromone.TYPES:
        raise UsageError(f"there is no signal type {kind[:40]}", why=f"types are {', '.join(pheromone.TYPES)}")
    intensity = given.get("intensity")
    if intensity is not None and not 0 < intensity <= 1:
        raise UsageError("the intensity must be above 0 and at most 1", why=f"got {intensity:g}")
    spec: dict[str, Any] = {"type": kind, "emittedAt": times.to_micro_text(call.now)}
    spec |= {field: given[name] for name, field in _FIELDS.items() if given.get(name) is not None}
    spec |= {key: given[key] for key in ("claimable", "causedBy") if given.get(key)}
    if given.get("halfLife"):
        spec["halfLife"] = duration.to_text(duration.parse(given["halfLife"]))
    name = f"{kind.lower().replace('_', '-')}-{os.urandom(5).hex()}"
    return {"apiVersion": API_VERSION, "kind": PHEROMONE.kind, "metadata": {"name": name}, "spec": spec}
