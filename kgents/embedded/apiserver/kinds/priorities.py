"""PriorityClasses: what pods were promised by one does not change under them."""

from __future__ import annotations

from typing import Any

from kgents.embedded.apiserver.kinds.defaulted import DefaultedStrategy
from kgents.embedded.apiserver.strategy import Write
from kgents.embedded.schema.causes import Cause, forbidden, invalid

Object = dict[str, Any]


class PriorityStrategy(DefaultedStrategy):
    """Keeps its value and its policy (k8s.io/kubernetes/pkg/apis/scheduling/validation)."""

    def __init__(self) -> None:
        super().__init__('preemptionPolicy="PreemptLowerPriority"', "value=0")

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        causes = []
        if new["value"] != old["value"]:
            causes.append(forbidden("value", "may not be changed in an update."))
        if new["preemptionPolicy"] != old["preemptionPolicy"]:
            causes.append(invalid("preemptionPolicy", new["preemptionPolicy"], "field is immutable"))
        return causes
