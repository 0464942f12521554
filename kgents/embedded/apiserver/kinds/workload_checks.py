"""What makes a Deployment or one of its like unfit to be stored (k8s.io/kubernetes/pkg/apis/apps/validation)."""

from __future__ import annotations

import re
from typing import Any

from kgents.embedded.apiserver.kinds.container_checks import NEGATIVE, count
from kgents.embedded.apiserver.kinds.pod_checks import validate_labels, validate_lasting, validate_template
from kgents.embedded.apiserver.selector_checks import check_selector, is_empty, selects
from kgents.embedded.schema.causes import Cause, forbidden, invalid, not_supported, required

Object = dict[str, Any]
MISMATCH = "`selector` does not match template `labels`"
EVICTIONS = ("AlwaysAllow", "IfHealthyBudget")
PERCENT = re.compile(r"[0-9]+%")
PERCENT_TEXT = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
    "validation is '[0-9]+%')"
)


def check_selection(spec: Object, owner: str, *, needed: bool = True) -> list[Cause]:
    """The selector, which must pick the pods of the template."""
    selector = spec.get("selector")
    labels = (spec["template"].get("metadata") or {}).get("labels") or {}
    causes = check_selector("spec.selector", selector)
    if selector is not None and is_empty(selector):
        causes.append(invalid("spec.selector", selector, f"empty selector is invalid for {owner}"))
    elif causes and owner == "deployment":
        causes.append(invalid("spec.selector", selector, "invalid label selector"))
    elif not causes and not selects(selector, labels):
        causes.append(invalid("spec.template.metadata.labels", labels, MISMATCH))
    return [required("spec.selector"), *causes] if selector is None and needed else causes


def check_replicas(spec: Object) -> list[Cause]:
    """What a ReplicaSet and a Deployment have in common."""
    causes = count("spec", spec, "replicas", "minReadySeconds", "revisionHistoryLimit")
    causes += check_selection(spec, "deployment")
    causes += validate_template(spec["template"], "spec.template")
    return causes + validate_lasting(spec["template"], "spec.template", "ReplicaSet")


def check_deployment(spec: Object) -> list[Cause]:
    """What only a Deployment has."""
    causes = _strategy(spec["strategy"], "spec.strategy") + count("spec", spec, "progressDeadlineSeconds")
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None and deadline <= (spec.get("minReadySeconds") or 0):
        causes.append(invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"))
    return causes


def _strategy(strategy: Object, at: str) -> list[Cause]:
    kind, rolling = strategy["type"], strategy.get("rollingUpdate")
    if kind == "Recreate" and rolling is not None:
        text = "may not be specified when strategy `type` is 'Recreate'"
        return [forbidden(f"{at}.rollingUpdate", text)]
    if kind not in ("Recreate", "RollingUpdate"):
        return [not_supported(f"{at}.type", kind, ("Recreate", "RollingUpdate"))]
    if kind == "Recreate" or rolling is None:
        return []
    causes: list[Cause] = []
    for key in ("maxUnavailable", "maxSurge"):
        causes += _share(f"{at}.rollingUpdate.{key}", rolling[key])
    if _number(rolling["maxUnavailable"]) == 0 == _number(rolling["maxSurge"]):
        text = "may not be 0 when `maxSurge` is 0"
        causes.append(invalid(f"{at}.rollingUpdate.maxUnavailable", rolling["maxUnavailable"], text))
    return causes + _at_most_all(f"{at}.rollingUpdate.maxUnavailable", rolling["maxUnavailable"])


def check_budget(spec: Object) -> list[Cause]:
    """A PodDisruptionBudget."""
    least, most = (spec.get(key) for key in ("minAvailable", "maxUnavailable"))
    causes: list[Cause] = []
    if least is not None and most is not None:
        causes.append(invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set"))
    for key, value in (("minAvailable", least), ("maxUnavailable", most)):
        if value is not None:
            causes += _share(f"spec.{key}", value) + _at_most_all(f"spec.{key}", value)
    policy = spec.get("unhealthyPodEvictionPolicy")
    if policy is not None and policy not in EVICTIONS:
        causes.append(not_supported("spec.unhealthyPodEvictionPolicy", policy, EVICTIONS))
    return causes + check_selector("spec.selector", spec.get("selector"))


def _share(where: str, value: Any) -> list[Cause]:
    if isinstance(value, str):
        return [] if PERCENT.fullmatch(value) else [invalid(where, value, PERCENT_TEXT)]
    return [invalid(where, value, NEGATIVE)] if value < 0 else []


def _number(value: Any) -> int:
    if isinstance(value, int):
        return value
    return int(value[:-1]) if PERCENT.fullmatch(value) else 0


def _at_most_all(where: str, value: Any) -> list[Cause]:
    over = isinstance(value, str) and PERCENT.fullmatch(value) and int(value[:-1]) > 100
    return [invalid(where, value, "must not be greater than 100%")] if over else []


def check_stateful(spec: Object) -> list[Cause]:
    """A StatefulSet. What its pods are like is judged when they are made: only then their claims are known."""
    causes = count("spec", spec, "replicas", "minReadySeconds", "revisionHistoryLimit")
    policy, update = spec.get("podManagementPolicy"), spec["updateStrategy"]
    if policy not in ("OrderedReady", "Parallel"):
        causes.append(invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'"))
    rolling = update.get("rollingUpdate")
    if update["type"] not in ("RollingUpdate", "OnDelete"):
        causes.append(invalid("spec.updateStrategy", update, "must be 'RollingUpdate' or 'OnDelete'"))
    elif update["type"] == "OnDelete" and rolling is not None:
        where = "spec.updateStrategy.rollingUpdate"
        causes.append(invalid(where, rolling, "only allowed for updateStrategy 'RollingUpdate'"))
    elif rolling is not None:
        causes += count("spec.updateStrategy.rollingUpdate", rolling, "partition")
    causes += check_selection(spec, "statefulset") + validate_labels(spec["template"], "spec.template")
    return causes + validate_lasting(spec["template"], "spec.template", "StatefulSet")


def check_daemons(spec: Object) -> list[Cause]:
    """A DaemonSet."""
    causes = count("spec", spec, "minReadySeconds", "revisionHistoryLimit")
    causes += check_selection(spec, "daemonset", needed=False)
    causes += validate_template(spec["template"], "spec.template")
    causes += validate_lasting(spec["template"], "spec.template", "DaemonSet")
    update, at = spec["updateStrategy"], "spec.updateStrategy"
    if update["type"] not in ("RollingUpdate", "OnDelete"):
        return [*causes, not_supported(f"{at}.type", update["type"], ("RollingUpdate", "OnDelete"))]
    if update["type"] == "OnDelete":
        return causes
    away, more = (update["rollingUpdate"][key] for key in ("maxUnavailable", "maxSurge"))
    at = f"{at}.rollingUpdate"
    causes += _share(f"{at}.maxUnavailable", away) + _share(f"{at}.maxSurge", more)
    if _number(away) and _number(more):
        causes.append(invalid(f"{at}.maxSurge", more, "may not be set when maxUnavailable is non-zero"))
    elif not _number(away) and not _number(more):
        causes.append(required(f"{at}.maxUnavailable", "cannot be 0 when maxSurge is 0"))
    return causes
