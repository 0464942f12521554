"""Kubernetes Events: what a person will want to read in `kubectl describe` and `kubectl get events`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from kgents.api import redact, times

MESSAGE_MAX = 1000


def body(obj: Mapping[str, Any], type: str, reason: str, message: str, *, by: str, now: float) -> dict[str, Any]:
    """The Event about `obj` (with apiVersion, kind and metadata). `type` is Normal or Warning, `by` the component."""
    metadata = obj["metadata"]
    said = redact.redact_text(message[:MESSAGE_MAX])
    name = hashlib.sha256(f"{metadata.get('uid')}{reason}{said}{now}".encode()).hexdigest()[:16]
    about = {key: metadata[key] for key in ("name", "namespace", "uid") if key in metadata}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name']}.{name}", "namespace": metadata["namespace"]},
        "involvedObject": {**{key: obj[key] for key in ("apiVersion", "kind") if key in obj}, **about},
        "type": type,
        "reason": reason,
        "message": said,
        "source": {"component": by},
        "firstTimestamp": times.to_text(now),
        "lastTimestamp": times.to_text(now),
        "count": 1,
    }
