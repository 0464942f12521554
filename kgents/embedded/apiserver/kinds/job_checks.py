"""What makes a Job or CronJob unfit to be stored (k8s.io/kubernetes/pkg/apis/batch/validation)."""

from __future__ import annotations

import copy
from typing import Any

from kgents.embedded.apiserver.kinds.container_checks import NEGATIVE, count
from kgents.embedded.apiserver.kinds.cron_checks import schedule_problem, zone_problem
from kgents.embedded.apiserver.kinds.pod_checks import validate_template
from kgents.embedded.apiserver.kinds.workload_checks import MISMATCH
from kgents.embedded.apiserver.selector_checks import check_key, check_selector, selects
from kgents.embedded.schema.causes import Cause, duplicate, invalid, not_supported, required, too_many

Object = dict[str, Any]
PREFIX = "batch.kubernetes.io/"
UID, NAME = "controller-uid", "job-name"
COUNTS = (
    *("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"),
    *("backoffLimitPerIndex", "maxFailedIndexes"),
)
MODES = ("NonIndexed", "Indexed")
REPLACEMENTS = ("Failed", "TerminatingOrFailed")
ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
OPERATORS = ("In", "NotIn")
STATES = ("False", "True", "Unknown")
CONCURRENCY = ("Allow", "Forbid", "Replace")
MOST_INDEXED = 100_000
MOST_RULES = 20
MOST_CODES = 255
IMMUTABLE = "field is immutable"
FIXED = ("selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy")
CRON_NAME = 52
"""The name of a Job has 11 characters more than its CronJob's."""


def own_labels(job: Object) -> Object:
    """The labels by which a Job knows its pods."""
    meta = job["metadata"]
    values = {UID: meta.get("uid", ""), NAME: meta.get("name", "")}
    return {f"{prefix}{key}": value for prefix in (PREFIX, "") for key, value in values.items()}


def check_job(job: Object) -> list[Cause]:
    """A Job, new or changed."""
    spec = job["spec"]
    causes = check_spec(spec, "spec")
    selector, labels = spec.get("selector"), (spec["template"].get("metadata") or {}).get("labels") or {}
    if selector is None:
        causes.append(required("spec.selector"))
    elif not spec.get("manualSelector"):
        causes += _generated(job, selector, labels)
    causes += check_selector("spec.selector", selector)
    if not selects(selector, labels):
        causes.append(invalid("spec.template.metadata.labels", labels, MISMATCH))
    return causes


def _generated(job: Object, selector: Object, labels: Object) -> list[Cause]:
    causes: list[Cause] = []
    expected = own_labels(job)
    for key, value in expected.items():
        at = f"spec.template.metadata.labels[{key}]"
        if key not in labels:
            causes.append(required(at, f"must be '{value}'"))
        elif labels[key] != value:
            causes.append(invalid(at, labels, f"must be '{value}'"))
    if not selects(selector, expected):
        causes.append(invalid("spec.selector", selector, "`selector` not auto-generated"))
    return causes


def check_spec(spec: Object, at: str) -> list[Cause]:
    """A Job's spec, also one inside a CronJob."""
    causes = count(at, spec, *COUNTS)
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        causes.append(required(f"{at}.backoffLimitPerIndex", "when maxFailedIndexes is specified"))
    mode = spec.get("completionMode")
    if mode not in MODES:
        causes.append(not_supported(f"{at}.completionMode", mode, MODES))
    causes += _indexed(spec, at) if mode == "Indexed" else _plain(spec, at)
    policy, replacement = spec.get("podFailurePolicy"), spec.get("podReplacementPolicy")
    if policy is not None:
        causes += _failure_policy(spec, f"{at}.podFailurePolicy.rules")
    replacements = REPLACEMENTS if policy is None else REPLACEMENTS[:1]
    if replacement is not None and replacement not in replacements:
        causes.append(not_supported(f"{at}.podReplacementPolicy", replacement, replacements))
    return causes + validate_template(spec["template"], f"{at}.template") + _restarts(spec, at)


def _indexed(spec: Object, at: str) -> list[Cause]:
    causes: list[Cause] = []
    completions, parallelism, failed = (spec.get(key) for key in ("completions", "parallelism", "maxFailedIndexes"))
    if completions is None:
        causes.append(required(f"{at}.completions", "when completion mode is Indexed"))
    if parallelism is not None and parallelism > MOST_INDEXED:
        text = f"must be less than or equal to {MOST_INDEXED} when completion mode is Indexed"
        causes.append(invalid(f"{at}.parallelism", parallelism, text))
    if failed is not None and completions is not None and failed > completions:
        causes.append(invalid(f"{at}.maxFailedIndexes", failed, "must be less than or equal to completions"))
    policy = spec.get("successPolicy")
    if policy is None:
        return causes
    where = f"{at}.successPolicy.rules"
    if not policy.get("rules"):
        text = "at least one rules must be specified when the successPolicy is specified"
        causes.append(required(where, text))
    for index, rule in enumerate(policy.get("rules") or ()):
        causes += _success_rule(rule, f"{where}[{index}]", completions or 0)
    return causes


def _success_rule(rule: Object, at: str, completions: int) -> list[Cause]:
    wanted = rule.get("succeededCount")
    if wanted is None:
        text = "at least one of succeededCount or succeededIndexes must be specified"
        return [required(at, text)] if rule.get("succeededIndexes") is None else []
    if wanted < 0:
        return [invalid(f"{at}.succeededCount", wanted, NEGATIVE)]
    text = f"must be less than or equal to {completions} (the number of specified completions)"
    return [invalid(f"{at}.succeededCount", wanted, text)] if wanted > completions else []


def _plain(spec: Object, at: str) -> list[Cause]:
    keys = ("backoffLimitPerIndex", "maxFailedIndexes", "successPolicy")
    given = ((key, spec.get(key)) for key in keys)
    text = "requires indexed completion mode"
    return [invalid(f"{at}.{key}", value, text) for key, value in given if value is not None]


def _restarts(spec: Object, at: str) -> list[Cause]:
    where, restarts = f"{at}.template.spec.restartPolicy", spec["template"]["spec"].get("restartPolicy")
    # Always is also what the server fills in where nothing was said.
    if restarts == "Always":
        return [required(where, 'valid values: "OnFailure", "Never"')]
    if restarts not in ("OnFailure", "Never"):
        return [not_supported(where, restarts, ("OnFailure", "Never"))]
    if spec.get("podFailurePolicy") is not None and restarts != "Never":
        return [invalid(where, restarts, 'only "Never" is supported when podFailurePolicy is specified')]
    return []


def _failure_policy(spec: Object, where: str) -> list[Cause]:
    rules, template = spec["podFailurePolicy"].get("rules") or [], spec["template"]["spec"]
    names = [one.get("name") for key in ("containers", "initContainers") for one in template.get(key) or ()]
    causes = [too_many(where, len(rules), MOST_RULES)] if len(rules) > MOST_RULES else []
    for index, rule in enumerate(rules):
        at, action = f"{where}[{index}]", rule.get("action") or ""
        codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions") or []
        if action == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
            causes.append(invalid(f"{at}.action", action, "requires the backoffLimitPerIndex to be set"))
        causes += _one_of(f"{at}.action", action, ACTIONS)
        if codes is not None:
            causes += _exit_codes(codes, f"{at}.onExitCodes", names)
        for number, pattern in enumerate(conditions):
            causes += _condition(pattern, f"{at}.onPodConditions[{number}]")
        if codes is not None and conditions:
            text = "specifying both OnExitCodes and OnPodConditions is not supported"
            causes.append(Cause(at, "FieldValueInvalid", f"Invalid value: {text}"))
        if codes is None and not conditions:
            text = "specifying one of OnExitCodes and OnPodConditions is required"
            causes.append(Cause(at, "FieldValueInvalid", f"Invalid value: {text}"))
    return causes


def _one_of(where: str, value: str, supported: tuple[str, ...]) -> list[Cause]:
    if not value:
        listed = " ".join(f'"{one}"' for one in supported)
        return [required(where, f"valid values: [{listed}]")]
    return [] if value in supported else [not_supported(where, value, supported)]


def _exit_codes(codes: Object, at: str, names: list[Any]) -> list[Cause]:
    operator, values = codes.get("operator") or "", codes.get("values") or []
    causes = _one_of(f"{at}.operator", operator, OPERATORS)
    if codes.get("containerName") is not None and codes["containerName"] not in names:
        text = "must be one of the container or initContainer names in the pod template"
        causes.append(invalid(f"{at}.containerName", codes["containerName"], text))
    if not values:
        causes.append(invalid(f"{at}.values", values, "at least one value is required"))
    elif len(values) > MOST_CODES:
        causes.append(too_many(f"{at}.values", len(values), MOST_CODES))
    for index, value in enumerate(values):
        if operator == "In" and value == 0:
            causes.append(invalid(f"{at}.values[{index}]", value, "must not be 0 for the In operator"))
        if value in values[:index]:
            causes.append(duplicate(f"{at}.values[{index}]", value))
    if values != sorted(values):
        causes.append(invalid(f"{at}.values", values, "must be ordered"))
    return causes


def _condition(pattern: Object, at: str) -> list[Cause]:
    kind = pattern.get("type") or ""
    return check_key(f"{at}.type", kind) + _one_of(f"{at}.status", pattern.get("status") or "", STATES)


def check_job_change(new: Object, old: Object) -> list[Cause]:
    """What of a Job may not change."""
    spec, before = new["spec"], old["spec"]
    causes: list[Cause] = []
    completions = spec.get("completions")
    if completions != before.get("completions"):
        if spec.get("completionMode") != "Indexed":
            causes.append(invalid("spec.completions", completions, IMMUTABLE))
        elif completions is not None and completions != spec.get("parallelism"):
            text = "can only be modified in tandem with spec.parallelism"
            causes.append(invalid("spec.completions", completions, text))
    if _fixed_template(spec["template"], old) != _fixed_template(before["template"], old):
        causes.append(invalid("spec.template", spec["template"], IMMUTABLE))
    changed = (key for key in FIXED if spec.get(key) != before.get(key))
    return causes + [invalid(f"spec.{key}", spec.get(key), IMMUTABLE) for key in changed]


def _fixed_template(template: Object, job: Object) -> Object:
    # A Job that was never started may yet be told where its pods go, and what they get.
    if not job["spec"].get("suspend") or (job.get("status") or {}).get("startTime"):
        return template
    kept = copy.deepcopy(template)
    kept.pop("metadata", None)
    for key in ("nodeSelector", "tolerations", "schedulingGates"):
        kept["spec"].pop(key, None)
    if affinity := kept["spec"].pop("affinity", None):
        affinity.pop("nodeAffinity", None)
        kept["spec"].update({"affinity": affinity} if affinity else {})
    for key in ("containers", "initContainers"):
        for container in kept["spec"].get(key) or ():
            container.pop("resources", None)
    return kept


def check_cron_job(job: Object, old: Object | None) -> list[Cause]:
    """A CronJob; `old` is what it replaces."""
    spec = job["spec"]
    schedule, zone = spec.get("schedule") or "", spec.get("timeZone")
    causes = [] if schedule else [required("spec.schedule")]
    if schedule and (problem := _schedule(schedule, old)):
        causes.append(invalid("spec.schedule", schedule, problem))
    if zone is not None and (old is None or zone != old["spec"].get("timeZone")) and (problem := zone_problem(zone)):
        causes.append(invalid("spec.timeZone", zone, problem))
    policy = spec.get("concurrencyPolicy")
    if policy not in CONCURRENCY:
        causes.append(not_supported("spec.concurrencyPolicy", policy, CONCURRENCY))
    causes += count("spec", spec, "startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")
    causes += check_spec(spec["jobTemplate"]["spec"], "spec.jobTemplate.spec")
    selector = spec["jobTemplate"]["spec"].get("selector")
    if selector is not None:
        causes.append(invalid("spec.jobTemplate.spec.selector", selector, "`selector` will be auto-generated"))
    if spec["jobTemplate"]["spec"].get("manualSelector"):
        causes.append(not_supported("spec.jobTemplate.spec.manualSelector", True, ("nil", "false")))
    name = str(job["metadata"].get("name", ""))
    if old is None and len(name) > CRON_NAME:
        causes.append(invalid("metadata.name", name, f"must be no more than {CRON_NAME} characters"))
    return causes


def _schedule(schedule: str, old: Object | None) -> str:
    if "TZ" in schedule:
        # One from a time when this was allowed may keep it.
        kept = old is not None and "TZ" in old["spec"].get("schedule", "")
        return "" if kept else "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
    return schedule_problem(schedule)
