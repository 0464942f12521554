"""Who does the work: the supervisor's processes or the Deployments, the Lease, Cortex, T-gent's webhook, metrics."""

from __future__ import annotations

import asyncio
import base64
import os
import time
from pathlib import Path
from typing import Any

from kgents.api import times
from kgents.api.errors import KgentsError
from kgents.api.kinds import DEPLOYMENT, HIVE_NAMESPACE, LEASE, PROPOSAL, Kind
from kgents.infra import revive
from kgents.infra.hive import Hive
from kgents.infra.processes import processes
from kgents.infra.verify.check import Note
from kgents.infra.verify.place import Place
from kgents.kube.errors import ApiError, ObjectNotFound
from kgents.kube.impersonation import Identity

_LEASE = "kgents-operators"
_WEBHOOK = "kgents-tgent"
_GATE = "proposals.tgent.kgents.io"
_WEBHOOKS = Kind(
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
    "admissionregistration.k8s.io/v1",
    namespaced=False,
)
_PATIENCE = 8.0
_PAUSE = 0.2


async def supervisor(place: Place) -> str | Note:
    hive = place.hive
    if hive is None or hive.deployed:
        return "nothing of it is kept running on this machine"
    if not revive.is_supervised(hive):
        wanted = hive.stopped_file.exists()
        raise KgentsError(
            f"The hive “{hive.name}” is stopped" if wanted else f"The supervisor of “{hive.name}” does not run",
            why="somebody has stopped it" if wanted else "the machine was restarted, or it was killed",
            fix=f"kgents infra start {place.at}",
        )
    _runs("supervisor", revive.state(hive).get("pid"), place)
    return "the supervisor runs on this machine"


async def operators(place: Place) -> str | Note:
    if place.hive is not None and not place.hive.deployed:
        if place.hive.api_only:
            return Note("this hive runs the API server alone: nobody makes agents run")
        for process in processes(place.hive):
            if process.name in ("operators", "node"):
                _runs(process.name, _pid(place.hive, process.name), place)
        return "the operators run on this machine"
    return await _available(place, "operators")


async def lease(place: Place) -> str | Note:
    if place.embedded:
        return "the operators are alone in this hive and need no Lease"
    try:
        spec: dict[str, Any] = (await place.api.get(LEASE, _LEASE, HIVE_NAMESPACE)).get("spec") or {}
    except ObjectNotFound as error:
        raise KgentsError(
            "No operators lead", why=f"there is no Lease {_LEASE}", fix=place.logs("operators")
        ) from error
    age = time.time() - (times.parse(spec.get("renewTime")) or 0.0)
    granted = float(spec.get("leaseDurationSeconds") or 0)
    if not spec.get("holderIdentity") or age > granted:
        why = f"the Lease of {spec.get('holderIdentity')} ran out {age - granted:.0f} s ago"
        raise KgentsError(
            "No operators lead",
            why=why if spec.get("holderIdentity") else "nobody holds it",
            fix=place.logs("operators"),
        )
    return f"{spec['holderIdentity']} leads"


async def cortex(place: Place) -> str | Note:
    if place.hive is None or not place.hive.keeps_cortex:
        if place.embedded:
            return Note("Cortex starts with the first command that wants it")
        return await _available(place, "cortex")
    hive = place.hive
    why = ""
    latest = time.monotonic() + _PATIENCE
    while time.monotonic() < latest:
        try:
            await asyncio.to_thread(_ask_cortex, hive)
            return "Cortex answers"
        except KgentsError as error:
            why = str(error)
        if "stopped" in (_state(_pid(hive, "cortex")), _state(revive.state(hive).get("pid"))):
            break  # it will not answer, or not be started, before somebody lets them go on
        await asyncio.sleep(_PAUSE)
    _runs("cortex", _pid(hive, "cortex"), place)
    raise KgentsError("Cortex does not answer", why=why, fix=place.logs("cortex"))


def _ask_cortex(hive: Hive) -> None:
    from kgents.api.paths import path_of
    from kgents.glass.answer import NextLayer
    from kgents.glass.context import Target
    from kgents.glass.cortex import Cortex

    try:
        Cortex(Target(hive.context, hive.server).key, patience=2.0).read(path_of("agents.list"), {}, "default")
    except NextLayer as error:
        raise KgentsError("Cortex does not answer", why=str(error)) from error


async def webhook(place: Place) -> str | Note:
    try:
        hooks = (await place.api.get(_WEBHOOKS, _WEBHOOK)).get("webhooks") or []
    except ObjectNotFound:
        hooks = []
    if not hooks:
        if place.hive is not None and (place.hive.cluster is not None and not place.hive.deployed):
            return "no webhook is registered, as it should be where the operators run on a laptop"
        if place.hive is not None and place.hive.api_only:
            return "no webhook is registered: the API server runs alone"
        raise KgentsError("T-gent's webhook is not registered", why="its operators do that", fix=_anew(place))
    for hook in hooks:
        _check_authority(hook, place)
    if not any(hook["name"] == _GATE and hook.get("failurePolicy", "Fail") == "Fail" for hook in hooks):
        why = f"{_GATE} is not there, or lets through what it cannot judge"
        raise KgentsError("T-gent's webhook was changed", why=why, fix=_anew(place))
    if untried := await _ask_webhook(place):
        return Note(f"T-gent's webhook could not be tried: {untried}")
    return "T-gent's webhook answers the API server, and its certificate fits"


def _check_authority(hook: dict[str, Any], place: Place) -> None:
    from cryptography import x509

    try:
        x509.load_pem_x509_certificates(base64.b64decode(hook["clientConfig"]["caBundle"]))
    except (KeyError, ValueError, TypeError) as error:
        why = f"the caBundle of {hook.get('name')} is no certificate"
        raise KgentsError("T-gent's webhook cannot be trusted", why=why, fix=_anew(place)) from error


async def _ask_webhook(place: Place) -> str:
    """A proposal as an agent makes one, as a dry run: the API server asks the webhook, and nothing is kept.

    Returns who said no before it was asked, "" when it was.
    """
    agent = f"system:serviceaccount:{place.config.namespace}:kgents-verify"
    spec = {
        "target": {"kind": "Agent", "name": "kgents-verify"},
        "delete": True,
        "reason": "whether the webhook answers",
        "proposer": agent,
    }
    proposal = {"metadata": {"name": f"kgents-verify-{os.getpid()}", "namespace": place.config.namespace}, "spec": spec}
    # Its name makes it an agent to the webhook; the group gets it past permissions, which are not what is asked here.
    api = place.api.acting_as(Identity(agent, groups=("system:masters",)))
    try:
        await api.create(PROPOSAL, proposal, dry_run=True)
    except ApiError as error:
        if "failed calling webhook" in error.message:
            wrong = "x509" in error.message or "certificate" in error.message
            told = error.message.rpartition("failed to call webhook: ")[2]
            raise KgentsError(
                "T-gent's webhook has a certificate that does not fit" if wrong else "T-gent's webhook does not answer",
                why=told.replace(_secret(told), "…") if _secret(told) else told,
                fix=_anew(place) if wrong else _hung(place),
            ) from error
        if "impersonate" in error.message:
            raise KgentsError(
                "The webhook cannot be tried",
                why="you may not impersonate an agent",
                fix="Ask who administers the cluster to run this command",
            ) from error
        # Its own no is an answer as good as its yes; a policy's comes before it is asked.
        return "" if f'admission webhook "{_GATE}"' in error.message else error.message
    return ""


def _secret(told: str) -> str:
    """The part of the webhook's address that only who may read its registration should know."""
    _, _, rest = told.partition("://")
    parts = rest.partition("?")[0].split("/")
    return parts[1] if len(parts) > 2 else ""


def _anew(place: Place) -> str:
    """What has the operators register their webhook anew."""
    if place.kept_here and place.hive is not None:
        pid = _pid(place.hive, "operators")
        return f"kill {pid}  # the operators: their supervisor starts them anew" if pid else place.logs("operators")
    return f"{place.kubectl} -n {HIVE_NAMESPACE} rollout restart deploy/kgents-operators"


def _hung(place: Place) -> str:
    return place.logs("operators") if place.kept_here else _anew(place)


async def metrics(place: Place) -> str | Note:
    try:
        await place.api.request("GET", "/apis/metrics.k8s.io/v1beta1")
    except ApiError:
        return Note("the cluster serves no metrics: kgents shows no activity", fix="Install metrics-server")
    return "the cluster serves metrics"


async def _available(place: Place, what: str) -> str | Note:
    name = f"kgents-{what}"
    try:
        found = await place.api.get(DEPLOYMENT, name, HIVE_NAMESPACE)
    except ObjectNotFound as error:
        if place.hive is None:
            # Somebody's machine may work this hive: the Lease tells.
            return Note(f"there is no Deployment {name}: whoever runs it does so elsewhere")
        raise KgentsError(f"The Deployment {name} is missing", why="404", fix=place.init) from error
    ready, wanted = (found.get("status") or {}).get("availableReplicas", 0), found["spec"].get("replicas", 1)
    if not ready:
        pods = f"{place.kubectl} -n {HIVE_NAMESPACE} describe pods -l app.kubernetes.io/name={name}"
        scaled = f"{place.kubectl} -n {HIVE_NAMESPACE} scale deploy/{name} --replicas=2"
        raise KgentsError(
            f"The Deployment {name} is not available", why=f"0 of {wanted} pods are", fix=pods if wanted else scaled
        )
    if ready < wanted:
        return Note(f"{name}: {ready} of {wanted} pods are available")
    return f"{name}: {ready} of {wanted} pods are available"


def _pid(hive: Hive, process: str) -> int | None:
    pid = (revive.state(hive).get("processes") or {}).get(process, {}).get("pid")
    return pid if isinstance(pid, int) else None


def _runs(process: str, pid: object, place: Place) -> None:
    """Raises KgentsError unless that process is there and goes on."""
    state = _state(pid)
    if state == "stopped":
        raise KgentsError(f"The {process} process stands still", why=f"pid {pid} was stopped", fix=f"kill -CONT {pid}")
    if state == "gone":
        raise KgentsError(
            f"The {process} process does not run",
            why="it ends again and again, or is starting",
            fix=place.logs(process),
        )


def _state(pid: object) -> str:
    """`runs`, `stopped` (SIGSTOP) or `gone`."""
    if not isinstance(pid, int):
        return "gone"
    try:
        os.kill(pid, 0)
        letter = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return "gone"
    except OSError:
        return "runs"  # no /proc on this system, and it is there
    return {"T": "stopped", "t": "stopped", "Z": "gone", "X": "gone"}.get(letter, "runs")
