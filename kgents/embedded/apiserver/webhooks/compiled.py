"""Webhooks as they are asked: everything of their configuration, read once."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kgents.embedded.apiserver.policies.conditions import Conditions
from kgents.embedded.apiserver.policies.expressions import BASIC
from kgents.embedded.apiserver.targets import Target

Object = dict[str, Any]
REVIEWS = ("v1", "v1beta1")
DRY_RUN = ("None", "NoneOnDryRun")


@dataclass(frozen=True, slots=True)
class ServiceRef:
    """A Service that a webhook stands behind."""

    namespace: str
    name: str
    path: str
    port: int


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook of one configuration. `ca` is PEM text; empty means the system's authorities.

    `review` is the version of AdmissionReview that it is asked with.
    """

    name: str
    target: Target
    conditions: Conditions
    url: str
    service: ServiceRef | None
    ca: str
    timeout: int
    fails_closed: bool
    dry_run: bool
    reinvoked: bool
    review: str


def compile_webhooks(configurations: Iterable[Object]) -> tuple[Webhook, ...]:
    """All webhooks: configurations by name, the webhooks of each in their order."""
    return tuple(_webhook(hook) for configuration in configurations for hook in configuration.get("webhooks") or ())


def _webhook(hook: Mapping[str, Any]) -> Webhook:
    client = hook.get("clientConfig") or {}
    return Webhook(
        str(hook.get("name")),
        Target.of(hook, hook.get("rules") or ()),
        Conditions.of(hook.get("matchConditions"), BASIC),
        str(client.get("url") or ""),
        _service(client.get("service")),
        _pem(str(client.get("caBundle") or "")),
        int(hook.get("timeoutSeconds") or 10),
        hook.get("failurePolicy") != "Ignore",
        hook.get("sideEffects") in DRY_RUN,
        hook.get("reinvocationPolicy") == "IfNeeded",
        next((one for one in hook.get("admissionReviewVersions") or () if one in REVIEWS), "v1"),
    )


def _service(source: Mapping[str, Any] | None) -> ServiceRef | None:
    if not source:
        return None
    path = "/" + str(source.get("path") or "").lstrip("/")
    return ServiceRef(str(source.get("namespace")), str(source.get("name")), path, int(source.get("port") or 443))


def _pem(bundle: str) -> str:
    """The bundle as text. One that is not base64 becomes one that nothing is trusted by."""
    try:
        return base64.b64decode(bundle, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return "not a certificate"
