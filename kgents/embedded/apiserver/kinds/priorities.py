"""PriorityClasses: what pods were promised by one does not change under them."""

from __future__ import annotations

from typing import Any

from kgents.embedded.apiserver.kinds.defaulted import DefaultedStrategy
from kgents.embedded.apiserver.strategy import Write
from kgents.embedded.schema.causes import Cause, forbidden, invalid, not_supported

Object = dict[str, Any]
RESERVED = "system-"
OWN = "reserved for system use only"
HIGHEST = 1_000_000_000
MOST = "maximum allowed value of a user defined priority is"
POLICIES = ("PreemptLowerPriority", "Never")


class PriorityStrategy(DefaultedStrategy):
    """Keeps its value and its policy (k8s.io/kubernetes/pkg/apis/scheduling/validation)."""

    def __init__(self) -> None:
        super().__init__('preemptionPolicy="PreemptLowerPriority"', "value=0")

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        name = str(obj["metadata"].get("name", ""))
        if name.startswith(RESERVED):
            why = f"error: {name} is not a known system priority class"
            return [forbidden("metadata.name", f"priority class names with '{RESERVED}' prefix are {OWN}. {why}")]
        causes = [] if obj["value"] <= HIGHEST else [forbidden("value", f"{MOST} {HIGHEST}")]
        if obj["preemptionPolicy"] not in POLICIES:
            causes.append(not_supported("preemptionPolicy", obj["preemptionPolicy"], POLICIES))
        return causes

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        causes = []
        if new["value"] != old["value"]:
            causes.append(forbidden("value", "may not be changed in an update."))
        if new["preemptionPolicy"] != old["preemptionPolicy"]:
            causes.append(invalid("preemptionPolicy", new["preemptionPolicy"], "field is immutable"))
        return causes
