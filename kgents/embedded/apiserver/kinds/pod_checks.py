"""What makes a pod, or the template of one, unfit to be stored (k8s.io/kubernetes/pkg/apis/core/validation)."""

from __future__ import annotations

from typing import Any

from kgents.embedded.apiserver.kinds.container_checks import check_container, check_ids
from kgents.embedded.apiserver.names import dns_label, dns_subdomain, label_value_problem
from kgents.embedded.apiserver.selector_checks import check_annotations, check_key, check_labels
from kgents.embedded.schema.causes import Cause, duplicate, forbidden, invalid, not_supported, required

Object = dict[str, Any]
RESTARTS = ("Always", "OnFailure", "Never")
DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
NEEDED = {
    "secret": "secretName",
    "configMap": "name",
    "persistentVolumeClaim": "claimName",
    "hostPath": "path",
}
"""What a volume of a kind cannot do without."""
EVERY_KEY = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'


def validate_spec(spec: Object, path: str) -> list[Cause]:
    """What is wrong with a pod's spec."""
    volumes, causes = _volumes(spec.get("volumes") or [], f"{path}.volumes")
    if not spec.get("containers"):
        causes.append(required(f"{path}.containers"))
    causes += _containers(spec, path, volumes)
    for key, supported in (("restartPolicy", RESTARTS), ("dnsPolicy", DNS_POLICIES)):
        if spec.get(key) not in supported:
            causes.append(not_supported(f"{path}.{key}", spec.get(key), supported))
    causes += check_labels(f"{path}.nodeSelector", spec.get("nodeSelector"))
    for key, problem_of in (
        ("serviceAccountName", dns_subdomain),
        ("nodeName", dns_subdomain),
        ("hostname", dns_label),
        ("subdomain", dns_label),
    ):
        if spec.get(key) and (problem := problem_of(spec[key])):
            causes.append(invalid(f"{path}.{key}", spec[key], problem))
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline < 2**31:
        text = f"must be between 1 and {2**31 - 1}, inclusive"
        causes.append(invalid(f"{path}.activeDeadlineSeconds", deadline, text))
    causes += check_ids(spec.get("securityContext") or {}, f"{path}.securityContext")
    for index, one in enumerate(spec.get("tolerations") or []):
        causes += _toleration(one, f"{path}.tolerations[{index}]")
    return causes


def _containers(spec: Object, path: str, volumes: set[str]) -> list[Cause]:
    causes: list[Cause] = []
    names: set[str] = set()
    for key in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(key) or []):
            at, name = f"{path}.{key}[{index}]", container.get("name")
            causes += check_container(container, at, volumes, initial=key == "initContainers")
            if name and name in names:
                causes.append(duplicate(f"{at}.name", name))
            names.add(str(name))
    return causes


def _volumes(volumes: list[Object], where: str) -> tuple[set[str], list[Cause]]:
    """The names that can be mounted, and what is wrong."""
    causes: list[Cause] = []
    names: set[str] = set()
    for index, volume in enumerate(volumes):
        at, name = f"{where}[{index}]", volume.get("name") or ""
        found = _volume_source(volume, at)
        if not name:
            found.append(required(f"{at}.name"))
        elif problem := dns_label(name):
            found.append(invalid(f"{at}.name", name, problem))
        if name in names:
            found.append(duplicate(f"{at}.name", name))
        # To one that is wrong itself no mount can refer.
        if not found:
            names.add(name)
        causes += found
    return names, causes


def _volume_source(volume: Object, at: str) -> list[Cause]:
    sources = [key for key, value in volume.items() if key != "name" and value is not None]
    if not sources:
        return [required(at, "must specify a volume type")]
    causes = [forbidden(f"{at}.{key}", "may not specify more than 1 volume type") for key in sources[1:]]
    needed = NEEDED.get(sources[0])
    if needed and not volume[sources[0]].get(needed):
        causes.append(required(f"{at}.{sources[0]}.{needed}"))
    mode = volume[sources[0]].get("defaultMode")
    if mode is not None and not 0 <= mode <= 0o777:
        text = "must be a number between 0 and 0777 (octal), both inclusive"
        causes.append(invalid(f"{at}.{sources[0]}.defaultMode", mode, text))
    return causes


def _toleration(one: Object, at: str) -> list[Cause]:
    causes: list[Cause] = []
    key, operator, effect = one.get("key") or "", one.get("operator") or "", one.get("effect") or ""
    value = one.get("value") or ""
    if key:
        causes += check_key(f"{at}.key", key)
    if not key and operator != "Exists":
        causes.append(invalid(f"{at}.operator", operator, EVERY_KEY))
    if one.get("tolerationSeconds") is not None and effect != "NoExecute":
        text = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        causes.append(invalid(f"{at}.effect", effect, text))
    if operator in ("", "Equal"):
        if problem := label_value_problem(value):
            causes.append(invalid(f"{at}.operator", value, problem))
    elif operator != "Exists":
        causes.append(not_supported(f"{at}.operator", operator, ("Equal", "Exists")))
    elif value:
        causes.append(invalid(f"{at}.operator", one, "value must be empty when `operator` is 'Exists'"))
    if effect and effect not in EFFECTS:
        causes.append(not_supported(f"{at}.effect", effect, EFFECTS))
    return causes


def validate_labels(template: Object, path: str) -> list[Cause]:
    """What is wrong with a template's metadata. Kubernetes leaves `metadata` out of the fields' names."""
    meta = template.get("metadata") or {}
    causes = check_labels(f"{path}.labels", meta.get("labels"))
    return causes + check_annotations(f"{path}.annotations", meta.get("annotations"))


def validate_template(template: Object, path: str) -> list[Cause]:
    """What is wrong with a pod's template."""
    causes = validate_labels(template, path) + validate_spec(template["spec"], f"{path}.spec")
    if template["spec"].get("ephemeralContainers"):
        text = "ephemeral containers not allowed in pod template"
        causes.append(forbidden(f"{path}.spec.ephemeralContainers", text))
    return causes


def validate_lasting(template: Object, path: str, owner: str) -> list[Cause]:
    """What is wrong with a template whose pods are to run for good."""
    causes: list[Cause] = []
    restarts = template["spec"].get("restartPolicy")
    if restarts != "Always":
        causes.append(not_supported(f"{path}.spec.restartPolicy", restarts, ("Always",)))
    if template["spec"].get("activeDeadlineSeconds") is not None:
        text = f"activeDeadlineSeconds in {owner} is not Supported"
        causes.append(forbidden(f"{path}.spec.activeDeadlineSeconds", text))
    return causes
