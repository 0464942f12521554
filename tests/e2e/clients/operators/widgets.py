"""An operator as a user of kopf would write it; what it did is printed and stands in the widgets' status."""

from __future__ import annotations

import os
from typing import Any

import kopf

FINALIZER = "clients.example.com/kopf"


def says(*words: object) -> None:
    print(*words, flush=True)


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    settings.persistence.finalizer = FINALIZER
    settings.peering.lifetime = 10
    if os.environ.get("PROGRESS") == "status":
        settings.persistence.progress_storage = kopf.StatusProgressStorage()
    if "PKI" in os.environ:
        pki = os.environ["PKI"]
        settings.admission.managed = "widgets.clients.example.com"
        settings.admission.server = kopf.WebhookServer(
            addr="127.0.0.1", certfile=f"{pki}/kubelet.crt", pkeyfile=f"{pki}/kubelet.key", cafile=f"{pki}/ca.crt"
        )


@kopf.on.create("widgets")
def created(name: str, body: kopf.Body, spec: kopf.Spec, retry: int, **_: Any) -> dict[str, Any]:
    if spec.get("color") == "flaky" and retry < 2:
        raise kopf.TemporaryError("not yet", delay=0.1)
    if spec.get("color") == "hopeless":
        raise kopf.PermanentError("never")
    says("created", name, retry)
    kopf.info(body, reason="Painted", message=f"it is {spec.get('color')}")
    return {"color": spec.get("color"), "by": os.environ.get("IDENTITY", "")}


@kopf.on.update("widgets", field="spec.size")
def resized(old: int | None, new: int | None, **_: Any) -> dict[str, int | None]:
    return {"old": old, "new": new}


@kopf.on.resume("widgets")
def resumed(name: str, **_: Any) -> None:
    says("resumed", name)


@kopf.on.delete("widgets")
def deleted(name: str, **_: Any) -> None:
    says("deleted", name)


@kopf.index("widgets")
def by_color(name: str, spec: kopf.Spec, **_: Any) -> dict[Any, str]:
    return {spec.get("color"): name}


@kopf.timer("widgets", interval=0.3, field="spec.color", value="ticking")
def tick(status: kopf.Status, patch: kopf.Patch, by_color: kopf.Index[Any, str], **_: Any) -> None:
    patch.status["ticks"] = status.get("ticks", 0) + 1
    patch.status["alike"] = len(by_color["ticking"])


@kopf.daemon("widgets", field="spec.color", value="watchful")
async def watch(name: str, stopped: kopf.DaemonStopped, **_: Any) -> None:
    says("watching", name)
    await stopped.wait()
    says("watched", name)


if "PKI" in os.environ:

    @kopf.on.mutate("widgets")
    def painted(spec: kopf.Spec, patch: kopf.Patch, **_: Any) -> None:
        if "color" not in spec:
            patch.spec["color"] = "grey"

    @kopf.on.validate("widgets")
    def judged(spec: kopf.Spec, warnings: list[str], **_: Any) -> None:
        if spec.get("color") == "ugly":
            raise kopf.AdmissionError("that is ugly", code=406)
        warnings.append("looks fine")
