"""What Kubernetes' own admission plugins fill in before anybody else's judge sees an object.

ServiceAccount, DefaultTolerationSeconds, Priority and DefaultStorageClass, in the order of
https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/. They look again at what webhooks did.
"""

from __future__ import annotations

import asyncio
from typing import Any

from kgents.embedded.apiserver.admission import Review
from kgents.embedded.apiserver.errors import StatusError, forbidden
from kgents.embedded.apiserver.metadata import suffix

Object = dict[str, Any]
TOKENS = "/var/run/secrets/kubernetes.io/serviceaccount"
VOLUME = "kube-api-access-"
DEFAULT = "default"
ATTEMPTS, PAUSE = 10, 0.1
"""How long a pod waits for the default account of a namespace that was just made."""
IS_DEFAULT = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
PREEMPTION = "PreemptLowerPriority"
TROUBLES = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


class PodDefaults:
    """A new pod gets an account and its token, tolerations and a priority."""

    again = True

    async def mutate(self, review: Review) -> None:
        """Raises 403 for an account or a PriorityClass that is not there."""
        if review.operation != "CREATE" or review.subresource or review.obj is None:
            return
        if review.call.resource.qualified != "pods":
            return
        spec = review.obj.setdefault("spec", {})
        await _account(review, spec)
        _tolerate(spec)
        _prioritise(review, spec)

    async def validate(self, review: Review) -> None:
        """Has nothing more to say."""


class DefaultStorage:
    """A new claim that names no StorageClass gets the default one, if there is any."""

    again = True

    async def mutate(self, review: Review) -> None:
        """Changes the claim in place."""
        if review.operation != "CREATE" or review.subresource or review.obj is None:
            return
        if review.call.resource.qualified != "persistentvolumeclaims":
            return
        spec = review.obj.setdefault("spec", {})
        if spec.get("storageClassName") is not None:
            return
        classes = [one for one in _all(review, "storageclasses.storage.k8s.io") if _is_default(one)]
        if classes:
            newest = max(one["metadata"]["creationTimestamp"] for one in classes)
            names = [one["metadata"]["name"] for one in classes if one["metadata"]["creationTimestamp"] == newest]
            spec["storageClassName"] = min(names)

    async def validate(self, review: Review) -> None:
        """Has nothing more to say."""


def _all(review: Review, collection: str) -> list[Object]:
    return [record.parse() for record in review.call.api.store.collection(collection).records.values()]


def _is_default(storage: Object) -> bool:
    annotations = storage["metadata"].get("annotations") or {}
    return any(annotations.get(key) == "true" for key in IS_DEFAULT)


def _refusal(review: Review, why: str) -> StatusError:
    return forbidden("", "pods", review.name, why)


async def _account(review: Review, spec: Object) -> None:
    name = spec.get("serviceAccountName") or spec.get("serviceAccount") or DEFAULT
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    namespace, lookup = review.call.namespace, review.call.api.lookup
    account = lookup("serviceaccounts", namespace, name)
    for _ in range(ATTEMPTS if name == DEFAULT else 0):
        if account is not None:
            break
        await asyncio.sleep(PAUSE)
        account = lookup("serviceaccounts", namespace, name)
    if account is None:
        why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
        raise _refusal(review, why)
    if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
        spec["imagePullSecrets"] = account["imagePullSecrets"]
    mounts = spec.get("automountServiceAccountToken")
    if mounts is None:
        mounts = account.get("automountServiceAccountToken")
    if mounts is not False:
        _mount_token(spec)


def _mount_token(spec: Object) -> None:
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    bare = [one for one in containers if TOKENS not in {at.get("mountPath") for at in one.get("volumeMounts") or []}]
    if not bare:
        return
    volumes = spec.get("volumes") or []
    name = next((str(one["name"]) for one in volumes if str(one.get("name")).startswith(VOLUME)), "")
    if not name:
        name = VOLUME + suffix()
        spec["volumes"] = [*volumes, _volume(name)]
    for container in bare:
        mount = {"name": name, "readOnly": True, "mountPath": TOKENS}
        container["volumeMounts"] = [*(container.get("volumeMounts") or []), mount]


def _volume(name: str) -> Object:
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [namespace]}},
    ]
    return {"name": name, "projected": {"sources": sources, "defaultMode": 420}}


def _tolerate(spec: Object) -> None:
    """A pod leaves a node that is in trouble after five minutes, unless it says otherwise."""
    given = spec.get("tolerations") or []
    for key in TROUBLES:
        if not any(one.get("key") in (key, "", None) and one.get("effect") in ("NoExecute", "", None) for one in given):
            given = [*given, {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}]
    spec["tolerations"] = given


def _prioritise(review: Review, spec: Object) -> None:
    known = _all(review, "priorityclasses.scheduling.k8s.io")
    name = spec.get("priorityClassName") or ""
    if name:
        found = next((one for one in known if one["metadata"]["name"] == name), None)
        if found is None:
            raise _refusal(review, f"no PriorityClass with name {name} was found")
    else:
        defaults = [one for one in known if one.get("globalDefault")]
        found = min(defaults, key=lambda one: int(one.get("value", 0)), default=None)
        if found is not None:
            spec["priorityClassName"] = found["metadata"]["name"]
    computed = {"priority": 0, "preemptionPolicy": PREEMPTION}
    if found is not None:
        computed = {"priority": found.get("value", 0), "preemptionPolicy": found.get("preemptionPolicy", PREEMPTION)}
    for key, text in (
        ("priority", "integer value of priority"),
        ("preemptionPolicy", "string value of PreemptionPolicy"),
    ):
        given = spec.get(key)
        if given is not None and given != computed[key]:
            why = f"the {text} ({given}) must not be provided in pod spec; priority admission controller computed"
            raise _refusal(review, f"{why} {computed[key]} from the given PriorityClass name")
        spec[key] = computed[key]
