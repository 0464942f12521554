"""The API, its version, the kinds and the namespace."""

from __future__ import annotations

import re

from kgents.api.errors import KgentsError
from kgents.api.kinds import HIVE_NAMESPACE, NAMESPACE
from kgents.infra import kinds, manifests, revive
from kgents.infra.installing import OLDEST
from kgents.infra.verify.place import Place
from kgents.kube.errors import ApiError, ApiUnreachable, Forbidden, ObjectNotFound


async def api_reachable(place: Place) -> str:
    server = place.config.server
    try:
        await place.api.request("GET", "/readyz", timeout=5.0)
    except ApiUnreachable as error:
        raise KgentsError(
            f"The API server at {server} does not answer", why=error.why or error.what, fix=_back(place, str(error))
        ) from error
    except Forbidden:
        pass  # it answers, and whom it lets in is the next question
    except ApiError as error:
        raise KgentsError(
            f"The API server at {server} is not ready", why=error.message, fix=place.logs("apiserver")
        ) from error
    return f"the API server at {server} answers"


def _back(place: Place, said: str) -> str:
    hive = place.hive
    if place.embedded and "certificate" in said:
        return place.init  # your kubeconfig has the authority of an earlier hive of that name
    if hive is None or hive.cluster is not None:
        return f"{place.kubectl} cluster-info says the same; is the network (VPN) up, is the cluster?"
    if revive.is_supervised(hive):
        return f"kgents infra stop {place.at} && kgents infra start {place.at}"
    return f"kgents infra start {place.at}"


async def credentials(place: Place) -> str:
    try:
        await place.api.request("GET", "/apis/authorization.k8s.io/v1")
    except Forbidden as error:
        if error.status == 401:
            fix = f"kgents infra init {place.at}" if place.embedded else f"Log in again to {place.config.context}"
            raise KgentsError(
                f"The credentials of {place.config.context} are not accepted", why="401", fix=fix
            ) from error
        raise
    return f"the credentials of {place.config.context} are accepted"


async def version(place: Place) -> str:
    told = await place.api.version()
    numbers = [re.match(r"\d+", str(told.get(part) or "")) for part in ("major", "minor")]
    found = tuple(int(number[0]) for number in numbers if number)
    if len(found) == 2 and found < OLDEST:
        raise KgentsError(
            f"The cluster runs Kubernetes {told.get('gitVersion')}, which is too old",
            why="admission policies are v1 since 1.30",
            fix="Use a cluster of Kubernetes 1.30 or newer",
        )
    return f"it runs Kubernetes {told.get('gitVersion')}"


async def crds(place: Place) -> str:
    steps = await kinds.steps(place.api, manifests.crds())
    mend = f"kgents infra crd apply --context {place.config.context}"
    if missing := [step.name for step in steps if step.state == "missing"]:
        raise KgentsError(f"{len(missing)} of the {len(steps)} kinds are missing", why=", ".join(missing), fix=mend)
    if other := [step for step in steps if step.state == "differs"]:
        broken = any(step.breaks for step in other)
        look = f"kgents infra crd diff --context {place.config.context}, then {mend} --force"
        raise KgentsError(
            "Kinds are not those of this kgents' version",
            why=", ".join(step.name for step in other) + (", and objects may not fit the new ones" if broken else ""),
            fix=look if broken else f"{mend} --force-conflicts",
        )
    slow = [step.name for step in steps if not _established(step)]
    if slow:
        raise KgentsError(
            "Kinds are not established", why=", ".join(slow), fix=f"{place.kubectl} describe crd {slow[0]}"
        )
    return f"the {len(steps)} kinds are established, as this version ships them"


def _established(step: kinds.Step) -> bool:
    conditions = ((step.there or {}).get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)


async def namespace(place: Place) -> str:
    try:
        there = await place.api.get(NAMESPACE, HIVE_NAMESPACE)
    except ObjectNotFound as error:
        raise KgentsError(f"The namespace {HIVE_NAMESPACE} is missing", why="404", fix=place.init) from error
    if (there.get("status") or {}).get("phase") == "Terminating":
        raise KgentsError(
            f"The namespace {HIVE_NAMESPACE} is being deleted",
            why="what is in it goes with it",
            fix=f"{place.kubectl} wait --for=delete ns/{HIVE_NAMESPACE} && {place.init}",
        )
    return f"the namespace {HIVE_NAMESPACE} is there"
