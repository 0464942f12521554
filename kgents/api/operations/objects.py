"""Objects as Kubernetes keeps them: one of the five kinds, whole, without what is secret. Never anything else."""

from __future__ import annotations

from kgents.api.errors import NotFound, UsageError
from kgents.api.kinds import KINDS, PHEROMONE
from kgents.api.names import missing
from kgents.api.operations.requests import Call, Get, Operation
from kgents.api.redact import redact

_KINDS = {kind.plural: kind for kind in KINDS}


def get(call: Call) -> Operation:
    """One row: the object. What servers note about who wrote which field (`managedFields`) is left out."""
    plural, name = call.bindings["kind"], call.bindings["name"]
    kind = _KINDS.get(plural)
    if kind is None:
        raise UsageError(f"“{plural[:60]}” is no kind of kgents", fix=f"Say one of {', '.join(_KINDS)}")
    try:
        found = yield Get(kind, name, call.namespace)
    except NotFound as error:
        raise missing("signal" if kind is PHEROMONE else kind.kind.lower(), name, call.namespace) from error
    metadata = {key: value for key, value in found["metadata"].items() if key != "managedFields"}
    return [redact({**found, "metadata": metadata})]
