"""The pods of a Job, as it makes them."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Mapping
from typing import Any

from kgents.api.kinds import JOB
from kgents.embedded.controllers.job_failures import INDEX_FAILURES, INDEX_IGNORED, failures_of_index
from kgents.embedded.controllers.job_indexes import INDEX
from kgents.embedded.controllers.job_tally import TRACKING
from kgents.embedded.controllers.objects import Object
from kgents.embedded.controllers.pod_control import from_template

_ENV = "JOB_COMPLETION_INDEX"
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def new_pod(job: Mapping[str, Any], index: int | None, last: Mapping[str, Any] | None = None) -> Object:
    """A pod for the next try; `last` is the newest failure of the same index."""
    made = from_template(job["spec"]["template"], JOB, job)
    metadata = made["metadata"]
    metadata["finalizers"] = [*metadata["finalizers"], TRACKING]
    if index is None:
        return made
    name = job["metadata"]["name"]
    suffix = "".join(secrets.choice(_LETTERS) for _ in range(5))
    ending = f"-{index}-{suffix}"
    metadata.pop("generateName")
    metadata["name"] = name[: 63 - len(ending)] + ending
    metadata["labels"][INDEX] = metadata["annotations"][INDEX] = str(index)
    if job["spec"].get("backoffLimitPerIndex") is not None:
        counted, ignored = failures_of_index(last, job)
        metadata["annotations"][INDEX_FAILURES] = str(counted)
        if ignored:
            metadata["annotations"][INDEX_IGNORED] = str(ignored)
    spec = made["spec"] = copy.deepcopy(made["spec"])
    spec["hostname"] = f"{name}-{index}"[:63]
    source = {"valueFrom": {"fieldRef": {"fieldPath": f"metadata.annotations['{INDEX}']"}}}
    for container in [*(spec.get("initContainers") or ()), *spec["containers"]]:
        if all(one["name"] != _ENV for one in container.get("env") or ()):
            container["env"] = [*(container.get("env") or ()), {"name": _ENV, **source}]
    return made
