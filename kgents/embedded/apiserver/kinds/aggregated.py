"""APIServices: kept, and honest about the fact that nobody passes requests on to what they name."""

from __future__ import annotations

from typing import Any

from kgents.embedded.apiserver.names import path_segment
from kgents.embedded.apiserver.strategy import Strategy, Write
from kgents.embedded.schema.causes import Cause, invalid, required

Object = dict[str, Any]
HIGHEST_GROUP, HIGHEST_VERSION = 20_000, 1_000
LOCAL = ("True", "Local", "Local APIServices are always available")
AWAY = ("False", "NotProxied", "the embedded hive passes no requests on to other API servers")


class ServiceStrategy(Strategy):
    """The rules are those of k8s.io/kube-aggregator/pkg/apis/apiregistration/validation."""

    def default(self, obj: Object) -> None:
        service = (obj.get("spec") or {}).get("service")
        if isinstance(service, dict):
            service.setdefault("port", 443)

    def prepare_create(self, obj: Object, write: Write) -> None:
        status, reason, message = AWAY if obj.get("spec", {}).get("service") else LOCAL
        condition = {"type": "Available", "status": status, "lastTransitionTime": write.now}
        obj["status"] = {"conditions": [{**condition, "reason": reason, "message": message}]}

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        spec, name = obj.get("spec") or {}, obj["metadata"].get("name", "")
        causes = []
        expected = f"{spec.get('version') or ''}.{spec.get('group') or ''}"
        if name != expected:
            causes.append(invalid("metadata.name", name, f'must be `spec.version+"."+spec.group`: "{expected}"'))
        if path_segment(str(spec.get("group") or "")):
            causes.append(invalid("spec.group", spec["group"], "must be a DNS subdomain"))
        if not spec.get("version"):
            causes.append(required("spec.version"))
        for field, highest in (("groupPriorityMinimum", HIGHEST_GROUP), ("versionPriority", HIGHEST_VERSION)):
            value = spec.get(field) or 0
            if not 0 < value <= highest:
                causes.append(invalid(f"spec.{field}", value, f"must be positive and less than {highest}"))
        service = spec.get("service")
        if service is None:
            if spec.get("caBundle"):
                causes.append(invalid("spec.caBundle", "", "local APIServices may not have a caBundle"))
            return causes
        causes += [required(f"spec.service.{key}") for key in ("namespace", "name") if not service.get(key)]
        if bool(spec.get("insecureSkipTLSVerify")) and spec.get("caBundle"):
            why = "may not be true if caBundle is present"
            causes.append(invalid("spec.insecureSkipTLSVerify", True, why))
        return causes

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        return self.validate(new, write)
