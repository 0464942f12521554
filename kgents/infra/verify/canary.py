"""A canary: an agent of a name that nobody else has, which must become ready and react to a signal, and goes again."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from kgents.api.errors import KgentsError
from kgents.api.kinds import (
    AGENT,
    CONFIG_MAP,
    DEPLOYMENT,
    EVENT,
    MEMORY,
    PHEROMONE,
    POD,
    REPLICA_SET,
    ROLE,
    ROLE_BINDING,
    SERVICE_ACCOUNT,
    UMWELT,
    Kind,
)
from kgents.infra.deployed import troubles
from kgents.infra.verify.place import Place
from kgents.kube.errors import ObjectNotFound

Object = dict[str, Any]
COMMAND = ["sh", "-c", "trap 'kill $!; exit 0' TERM; sleep 900 & wait"]
IMAGE = "python:3.12-slim"
READY, REACTED, REMOVED = 60.0, 20.0, 60.0
"""Seconds for each of its steps."""
LIMIT = READY + REACTED + REMOVED
_LOOK = 0.2
_TRACES = (POD, REPLICA_SET, DEPLOYMENT, CONFIG_MAP, SERVICE_ACCOUNT, ROLE, ROLE_BINDING, MEMORY, UMWELT)


async def canary(place: Place) -> str:
    """Whatever comes of it, also an interruption: nothing of the canary is left."""
    name = f"kgents-canary-{secrets.token_hex(3)}"
    try:
        await _create(place, name)
        await _ready(place, name)
        await _reacts(place, name)
    finally:
        await _remove(place, name)
    return "a canary became ready, reacted to a signal, and is gone again"


async def _make(place: Place, kind: Kind, obj: Object) -> None:
    """What is begun is waited for, whoever ends this: else it might be made behind the removal."""
    making = asyncio.ensure_future(place.api.create(kind, obj))
    try:
        await asyncio.shield(making)
    except asyncio.CancelledError:
        await asyncio.gather(making, return_exceptions=True)
        raise


async def _create(place: Place, name: str) -> None:
    try:
        await _make(place, AGENT, _agent(name, place))
    except ObjectNotFound as error:
        namespace = place.config.namespace
        raise KgentsError(
            f"There is no namespace {namespace} for a canary",
            why=error.message,
            fix=f"{place.kubectl} create namespace {namespace}",
        ) from error


def _agent(name: str, place: Place) -> Object:
    spec: Object = {
        "command": COMMAND,
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
        "reactions": [{"type": "TEST", "minIntensity": 0.5, "then": {"file": "canary"}}],
    }
    if not place.embedded or place.image:
        spec["image"] = place.image or IMAGE
    return {"metadata": {"name": name, "namespace": place.config.namespace}, "spec": spec}


async def _ready(place: Place, name: str) -> None:
    status: Object = {}
    try:
        async with asyncio.timeout(min(READY, place.patience / 3)):
            while True:
                status = (await place.api.get(AGENT, name, place.config.namespace)).get("status") or {}
                if status.get("phase") == "Running" and status.get("readyReplicas"):
                    return
                if status.get("phase") == "Failed":
                    break
                await asyncio.sleep(_LOOK)
    except TimeoutError:
        pass  # what it says of itself is the answer, below
    why = await _reasons(place, name, status)
    raise KgentsError(
        f"The canary did not become ready: it is {status.get('phase') or 'seen by nobody'}",
        why=why,
        fix=_fix(place, why),
    )


def _fix(place: Place, why: str) -> str:
    if "Image" in why:
        return "Name an image that the cluster can pull and that has a shell: kgents infra verify --canary-image IMAGE"
    if "denied" in why or "forbidden" in why:
        return f"{place.kubectl} get validatingadmissionpolicies,resourcequotas -A"
    if place.embedded:
        return place.logs("node")
    return f"{place.kubectl} get nodes"


async def _reasons(place: Place, name: str, status: Object) -> str:
    said = [
        f"{one.get('reason')} {one.get('message', '')}".strip()
        for one in status.get("conditions") or ()
        if one.get("status") == "False"
    ]
    pods = await place.api.list(POD, place.config.namespace, label_selector=f"kgents.io/agent={name}")
    told = [line for pod in pods["items"] for line in troubles(pod)]
    events = [str(event.get("message")) for event in await _events(place, name) if event.get("type") == "Warning"]
    return "; ".join(dict.fromkeys([*told, *events[-2:], *said])) or "nothing says why"


async def _events(place: Place, name: str) -> list[Object]:
    """Those of the canary, and of what was made for it."""
    found = (await place.api.list(EVENT, place.config.namespace))["items"]
    return [one for one in found if str((one.get("involvedObject") or {}).get("name", "")).startswith(name)]


async def _reacts(place: Place, name: str) -> None:
    spec = {"type": "TEST", "target": name, "ttl": "2m", "payload": "kgents infra verify"}
    metadata = {"name": name, "namespace": place.config.namespace}
    await _make(place, PHEROMONE, {"metadata": metadata, "spec": spec})
    try:
        async with asyncio.timeout(REACTED):
            while True:
                status = (await place.api.get(AGENT, name, place.config.namespace)).get("status") or {}
                if any(one.get("active") for one in status.get("reactions") or ()):
                    return
                await asyncio.sleep(_LOOK)
    except TimeoutError as error:
        raise KgentsError(
            "The canary became ready, and did not react to a signal",
            why=f"none was told within {REACTED:.0f} s",
            fix=place.logs("operators"),
        ) from error


async def _remove(place: Place, name: str) -> None:
    """All of it: the agent with what it owns, the signal, and the events that speak of it."""
    namespace = place.config.namespace
    try:
        async with asyncio.timeout(REMOVED):
            await place.api.delete(PHEROMONE, name, namespace, missing_ok=True)
            await place.api.delete(AGENT, name, namespace, propagation="Foreground", missing_ok=True)
            while await _left(place, name):
                await asyncio.sleep(_LOOK)
            for event in await _events(place, name):
                await place.api.delete(EVENT, event["metadata"]["name"], namespace, missing_ok=True)
    except (TimeoutError, KgentsError) as error:
        raise KgentsError(
            f"The canary {name} could not be taken away",
            why=str(error) or f"what it owns is still there after {REMOVED:.0f} s",
            fix=f"{place.kubectl} -n {namespace} delete agent {name}",
        ) from error


async def _left(place: Place, name: str) -> bool:
    try:
        await place.api.get(AGENT, name, place.config.namespace)
        return True
    except ObjectNotFound:
        pass
    selector = f"kgents.io/agent={name}"
    lists = (place.api.list(kind, place.config.namespace, label_selector=selector) for kind in _TRACES)
    return any(listed["items"] for listed in await asyncio.gather(*lists))
