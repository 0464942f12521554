"""The cells of what is not in the core group: jobs, autoscalers, ingresses, bindings, policies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kgents.embedded.apiserver.age import age, duration, parse_time, since
from kgents.embedded.apiserver.kinds import autoscaling_v1
from kgents.embedded.apiserver.kinds.cells import NONE, UNSET, selector_text, shortened
from kgents.embedded.apiserver.kinds.column import at

Object = dict[str, Any]
UNKNOWN = "<unknown>"


def _true(obj: Object) -> set[str]:
    return {one["type"] for one in at(obj, "status.conditions", ()) if one.get("status") == "True"}


def controller(obj: Object) -> str:
    """Who controls an object, as kind.group/name."""
    owners = at(obj, "metadata.ownerReferences", ())
    owner = next((one for one in owners if one.get("controller")), None)
    if owner is None:
        return NONE
    group = str(owner["apiVersion"]).rpartition("/")[0]
    return f"{owner['kind'].lower()}{'.' + group if group else ''}/{owner['name']}"


def job_status(obj: Object) -> str:
    """Where a job stands."""
    found = _true(obj)
    for word in ("Complete", "Failed"):
        if word in found:
            return word
    if at(obj, "metadata.deletionTimestamp"):
        return "Terminating"
    return next((word for word in ("Suspended", "FailureTarget") if word in found), "Running")


def job_completions(obj: Object) -> str:
    """Pods that succeeded, of all that must."""
    done, wanted = at(obj, "status.succeeded", 0), at(obj, "spec.completions")
    if wanted is not None:
        return f"{done}/{wanted}"
    several = at(obj, "spec.parallelism", 0)
    return f"{done}/1 of {several}" if several > 1 else f"{done}/1"


def job_duration(obj: Object) -> str:
    """How long a job has run."""
    start, end = parse_time(at(obj, "status.startTime")), parse_time(at(obj, "status.completionTime"))
    if start is None:
        return ""
    return age(start) if end is None else duration(int(end - start))


def suspended(obj: Object) -> str:
    """Whether a CronJob rests, in Go's word for it."""
    value = at(obj, "spec.suspend")
    return UNSET if value is None else "True" if value else "False"


def last_schedule(obj: Object) -> str:
    """When a CronJob last made a Job."""
    moment = at(obj, "status.lastScheduleTime")
    return since(moment) if moment else NONE


def scaled(obj: Object) -> str:
    """What an autoscaler scales, as Kind/name."""
    return f"{at(obj, 'spec.scaleTargetRef.kind', '')}/{at(obj, 'spec.scaleTargetRef.name', '')}"


def scaling_targets(obj: Object) -> str:
    """What an autoscaler measures: current value / target."""
    if obj.get("apiVersion") == autoscaling_v1.API_VERSION:
        obj = autoscaling_v1.stored(obj)
    specs, current = at(obj, "spec.metrics", ()), at(obj, "status.currentMetrics", ())
    if not specs:
        return NONE
    found = [_metric(spec, current[index] if index < len(current) else {}) for index, spec in enumerate(specs)]
    more = f" + {len(found) - 2} more..." if len(found) > 2 else ""
    return ", ".join(found[:2]) + more


def _metric(spec: Object, now: Object) -> str:
    kind = str(spec.get("type", ""))
    source = f"{kind[:1].lower()}{kind[1:]}"
    wanted, seen = at(spec, f"{source}.target", {}), at(now, f"{source}.current", {})
    if kind in ("Resource", "ContainerResource"):
        name = at(spec, f"{source}.name", "")
        if wanted.get("averageValue") is not None:
            return f"{name}: {seen.get('averageValue', UNKNOWN)}/{wanted['averageValue']}"
        part, goal = seen.get("averageUtilization"), wanted.get("averageUtilization")
        return f"{name}: {UNKNOWN if part is None else f'{part}%'}/{'<auto>' if goal is None else f'{goal}%'}"
    if kind in ("External", "Object") and wanted.get("averageValue") is None:
        return f"{seen.get('value', UNKNOWN)}/{wanted.get('value')}"
    if kind in ("External", "Object", "Pods"):
        text = f"{seen.get('averageValue', UNKNOWN)}/{wanted.get('averageValue')}"
        return text if kind == "Pods" else f"{text} (avg)"
    return "<unknown type>"


def slice_ports(obj: Object) -> str:
    """The ports of an EndpointSlice."""
    found = [str(port.get("port") or port.get("name") or "*") for port in at(obj, "ports", ())]
    return shortened(found) or UNSET


def slice_addresses(obj: Object) -> str:
    """The first few addresses of an EndpointSlice."""
    return shortened([text for one in at(obj, "endpoints", ()) for text in one.get("addresses") or ()]) or UNSET


def hosts(obj: Object) -> str:
    """The hosts that an ingress answers for."""
    rules = at(obj, "spec.rules", ())
    found = [str(rule["host"]) for rule in rules if rule.get("host")][:3]
    if not found:
        return "*"
    return ",".join(found) + (f" + {len(rules) - 3} more..." if len(rules) > 3 else "")


def class_parameters(obj: Object) -> str:
    """What configures an ingress class, as Kind.group/name."""
    given = at(obj, "spec.parameters")
    if not given:
        return NONE
    return f"{given.get('kind')}{'.' + given['apiGroup'] if given.get('apiGroup') else ''}/{given.get('name')}"


def param_kind(obj: Object) -> str:
    """The kind of a policy's parameters."""
    kind = at(obj, "spec.paramKind")
    return f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}" if kind else UNSET


def param_ref(obj: Object) -> str:
    """The parameters that a binding passes."""
    reference = at(obj, "spec.paramRef", {})
    if reference.get("name"):
        return f"{reference.get('namespace') or '*'}/{reference['name']}"
    return selector_text(reference.get("selector")) or UNSET


def role(obj: Object) -> str:
    """A binding's role, as Kind/name."""
    return f"{at(obj, 'roleRef.kind', '')}/{at(obj, 'roleRef.name', '')}"


def subjects(kind: str) -> Callable[[Object], str]:
    """A cell with those whom a binding is for, of one kind."""

    def cell(obj: Object) -> str:
        found = (one for one in at(obj, "subjects", ()) if one.get("kind") == kind)
        return ", ".join(f"{one['namespace']}/{one['name']}" if one.get("namespace") else one["name"] for one in found)

    return cell
