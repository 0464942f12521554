"""Pods: defaults, what may change, and a death with grace."""

from __future__ import annotations

import copy
from typing import Any

from kgents.embedded.apiserver.kinds.pod_checks import validate_spec
from kgents.embedded.apiserver.strategy import GenerationStrategy, Write, without
from kgents.embedded.schema.causes import Cause, invalid
from kgents.embedded.schema.causes import forbidden as forbidden_field

Object = dict[str, Any]
MUTABLE = ("activeDeadlineSeconds", "tolerations", "schedulingGates")
FORBIDDEN = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def default_spec(spec: Object) -> None:
    """Fills in a pod's spec, also one inside a template."""
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("securityContext", {})
    if spec.get("serviceAccountName"):
        spec["serviceAccount"] = spec["serviceAccountName"]
    elif spec.get("serviceAccount"):
        spec["serviceAccountName"] = spec["serviceAccount"]
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        _default_container(container)
        if spec.get("hostNetwork"):
            for port in container.get("ports") or ():
                port.setdefault("hostPort", port.get("containerPort"))
    for volume in spec.get("volumes") or []:
        _default_volume(volume)


def _default_container(container: Object) -> None:
    image = str(container.get("image", ""))
    tag = image.rsplit("/", 1)[-1].partition("@")[0].partition(":")[2]
    latest = tag in ("", "latest") and "@" not in image
    container.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    resources = container.setdefault("resources", {})
    if resources.get("limits"):
        requests = resources.setdefault("requests", {})
        for key, value in resources["limits"].items():
            requests.setdefault(key, value)
    for port in container.get("ports") or []:
        port.setdefault("protocol", "TCP")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if isinstance(container.get(name), dict):
            _default_probe(container[name])
    for action in (container.get("lifecycle") or {}).values():
        if isinstance(action, dict):
            _default_action(action)
    for variable in container.get("env") or []:
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if reference:
            reference.setdefault("apiVersion", "v1")


def _default_probe(probe: Object) -> None:
    for key, value in (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)):
        if not probe.get(key):
            probe[key] = value
    _default_action(probe)


def _default_action(action: Object) -> None:
    if isinstance(action.get("httpGet"), dict):
        action["httpGet"].setdefault("path", "/")
        action["httpGet"].setdefault("scheme", "HTTP")
    if isinstance(action.get("grpc"), dict):
        action["grpc"].setdefault("service", "")


def _default_volume(volume: Object) -> None:
    for kind in ("configMap", "secret", "projected", "downwardAPI"):
        if isinstance(volume.get(kind), dict):
            volume[kind].setdefault("defaultMode", 420)
    for source in (volume.get("projected") or {}).get("sources") or []:
        if isinstance(source.get("serviceAccountToken"), dict):
            source["serviceAccountToken"].setdefault("expirationSeconds", 3600)
        _default_references(source)
    _default_references(volume)
    if isinstance(volume.get("hostPath"), dict):
        volume["hostPath"].setdefault("type", "")
    if isinstance(claim := (volume.get("ephemeral") or {}).get("volumeClaimTemplate"), dict):
        claim.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
    if set(volume) == {"name"}:
        volume["emptyDir"] = {}


def _default_references(source: Object) -> None:
    for item in (source.get("downwardAPI") or {}).get("items") or ():
        if isinstance(item.get("fieldRef"), dict):
            item["fieldRef"].setdefault("apiVersion", "v1")


def qos(spec: Object) -> str:
    """The quality-of-service class that the containers' resources add up to."""
    parts = [container.get("resources") or {} for container in spec.get("containers") or []]
    if not any(part.get("requests") or part.get("limits") for part in parts):
        return "BestEffort"
    for part in parts:
        limits, requests = part.get("limits") or {}, part.get("requests") or {}
        if any(key not in limits or requests.get(key, limits[key]) != limits[key] for key in ("cpu", "memory")):
            return "Burstable"
    return "Guaranteed"


class PodStrategy(GenerationStrategy):
    """A pod is born Pending and, once on a node, dies with grace."""

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        default_spec(spec)
        spec.setdefault("enableServiceLinks", True)

    def prepare_create(self, obj: Object, write: Write) -> None:
        spec = obj["spec"]
        obj["status"] = {"phase": "Pending", "qosClass": qos(spec)}

    def prepare_update(self, new: Object, old: Object, write: Write) -> None:
        if write.subresource == "status":
            new["status"].setdefault("qosClass", (old.get("status") or {}).get("qosClass", "BestEffort"))
        elif "status" in old:
            new["status"] = old["status"]

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        causes = validate_spec(obj["spec"], "spec") + _padded_images(obj["spec"])
        if obj["spec"].get("ephemeralContainers"):
            causes.append(forbidden_field("spec.ephemeralContainers", "cannot be set on create"))
        return causes

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        if write.subresource:
            return []
        spec, before = new["spec"], old["spec"]
        causes = validate_spec(spec, "spec") + _padded_images(spec)
        for key in ("containers", "initContainers"):
            if len(spec.get(key) or []) != len(before.get(key) or []):
                return [*causes, forbidden_field(f"spec.{key}", "pod updates may not add or remove containers")]
        causes += _deadline(spec.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds"))
        causes += _tolerations(spec.get("tolerations") or [], before.get("tolerations") or [])
        if frozen_part(spec, before) != frozen_part(before, before):
            causes.append(forbidden_field("spec", FORBIDDEN))
        return causes

    def grace(self, obj: Object, asked: int | None) -> int:
        spec = obj.get("spec") or {}
        phase = (obj.get("status") or {}).get("phase")
        if asked == 0 or not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
            return 0
        return asked if asked is not None else int(spec.get("terminationGracePeriodSeconds", 30))


def _padded_images(spec: Object) -> list[Cause]:
    # Templates may have such images; only a pod itself must be able to run.
    return [
        invalid(f"spec.{key}[{index}].image", image, "must not have leading or trailing whitespace")
        for key in ("containers", "initContainers")
        for index, container in enumerate(spec.get(key) or [])
        if (image := str(container.get("image") or "")) != image.strip()
    ]


def _deadline(new: int | None, old: int | None) -> list[Cause]:
    where = "spec.activeDeadlineSeconds"
    if old is not None and new is None:
        return [invalid(where, None, "must not update from a positive integer to nil value")]
    if old is not None and new is not None and new > old:
        return [invalid(where, new, "must be less than or equal to previous value")]
    return []


def _tolerations(new: list[Object], old: list[Object]) -> list[Cause]:
    kept = [without(one, "tolerationSeconds") for one in new]
    if all(without(one, "tolerationSeconds") in kept for one in old):
        return []
    text = "existing toleration can not be modified except its tolerationSeconds"
    return [forbidden_field("spec.tolerations", text)]


def frozen_part(spec: Object, before: Object) -> Object:
    """The part of a pod's spec that does not change, given what it was before."""
    kept = copy.deepcopy(without(spec, *MUTABLE, "nodeName" if not before.get("nodeName") else ""))
    if (before.get("terminationGracePeriodSeconds") or 0) < 0 and kept.get("terminationGracePeriodSeconds") == 1:
        kept["terminationGracePeriodSeconds"] = before["terminationGracePeriodSeconds"]
    for container in [*(kept.get("initContainers") or []), *(kept.get("containers") or [])]:
        container.pop("image", None)
    return kept
