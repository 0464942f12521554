"""A hive whose operators and Cortex run in the cluster: what is applied for it, its certificate, and its coming up."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable, Iterator
from typing import Any

from kgents.api.errors import Unreachable
from kgents.api.kinds import DEPLOYMENT, HIVE_NAMESPACE, POD, SECRET
from kgents.infra.applying import Part
from kgents.kube.client import KubeClient
from kgents.kube.errors import ObjectNotFound

Object = dict[str, Any]

CORTEX = "kgents-cortex"
CERTIFICATE, AUTHORITY = f"{CORTEX}-tls", f"{CORTEX}-ca"
HOSTS = (CORTEX, f"{CORTEX}.{HIVE_NAMESPACE}", f"{CORTEX}.{HIVE_NAMESPACE}.svc", "localhost", "127.0.0.1")
_LOOK = 0.2


def certificate(data: dict[str, str] | None = None) -> Object:
    """The Secret of Cortex's certificate; without `data` (base64), what is known of it before it is made."""
    return {**_object("Secret", CERTIFICATE), "type": "kubernetes.io/tls", "data": data or {}}


def authority(pem: str = "") -> Object:
    """The ConfigMap that tells everybody who may log in whom to trust; without `pem`, as with the certificate."""
    return {**_object("ConfigMap", AUTHORITY), "data": {"ca.crt": pem} if pem else {}}


async def trust(api: KubeClient) -> list[Object]:
    """The certificate and its authority; of a Secret that is there the authority alone: whoever made it, it stays."""
    try:
        there = await api.get(SECRET, CERTIFICATE, HIVE_NAMESPACE)
    except ObjectNotFound:
        from kgents.infra.certificates import issue

        made = issue(CORTEX, HOSTS)
        pem = {"ca.crt": made.authority, "tls.crt": made.certificate, "tls.key": made.key}
        data = {name: base64.b64encode(text).decode() for name, text in pem.items()}
        return [certificate(data), authority(made.authority.decode())]
    told = (there.get("data") or {}).get("ca.crt")
    return [authority(base64.b64decode(told).decode())] if told else []  # a public authority needs no telling


def _object(kind: str, name: str) -> Object:
    metadata = {"name": name, "namespace": HIVE_NAMESPACE, "labels": {"app.kubernetes.io/part-of": "kgents"}}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


async def rolled_out(api: KubeClient, parts: Iterable[Part], timeout: float) -> None:
    """Returns once every Deployment among `parts` runs as it was applied. Raises Unreachable, which says why not."""
    names = [obj["metadata"]["name"] for kind, obj in parts if kind == DEPLOYMENT]
    waiting = list(names)
    try:
        async with asyncio.timeout(timeout):
            while waiting:
                found = [await api.get(DEPLOYMENT, name, HIVE_NAMESPACE) for name in waiting]
                waiting = [obj["metadata"]["name"] for obj in found if not _is_out(obj)]
                if waiting:
                    await asyncio.sleep(_LOOK)
    except TimeoutError as error:
        why = await _told(api, waiting or names)
        pull = "ImagePull" in why or "ErrImage" in why
        raise Unreachable(
            f"{', '.join(waiting or names)} did not come up in {api.config.context} within {timeout:.0f} s",
            why=why,
            fix="Name images that the cluster can pull: --image-registry"
            if pull
            else f"See: kubectl -n {HIVE_NAMESPACE} describe pods. It goes on meanwhile: do it again to wait further",
        ) from error


def _is_out(deployment: Object) -> bool:
    wanted, status = deployment["spec"].get("replicas", 1), deployment.get("status") or {}
    seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    counts = (status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas"))
    return bool(seen and all(count == wanted for count in counts))


async def _told(api: KubeClient, names: Iterable[str]) -> str:
    """What the pods of those Deployments say of themselves."""
    said: dict[str, None] = {}
    for name in names:
        listed = await api.list(POD, HIVE_NAMESPACE, label_selector=f"app.kubernetes.io/name={name}")
        said |= dict.fromkeys(line for pod in listed["items"] for line in troubles(pod))
    return "; ".join(list(said)[:3]) or "no pod says why"


def troubles(pod: Object) -> Iterator[str]:
    """What keeps a pod from being ready, in its own words: one line for each thing."""
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    for container in status.get("containerStatuses") or ():
        state = container.get("state") or {}
        for kind in ("waiting", "terminated"):
            if told := state.get(kind):
                last = (container.get("lastState") or {}).get("terminated") or {}
                yield f"{name}: {told.get('reason', kind)} {_line(last) or _line(told)}".strip()
        if "running" in state and not container.get("ready"):
            yield f"{name}: it runs and is not ready"
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield f"{name}: {condition.get('reason')} {_line(condition)}".strip()


def _line(told: Object) -> str:
    text = " ".join(str(told.get("message", "")).split())[-200:]
    return "".join(sign for sign in text if sign.isprintable())
