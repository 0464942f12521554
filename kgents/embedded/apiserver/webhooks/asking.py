"""One question to one webhook: whether it is to be asked, the AdmissionReview, and what its answer means."""

from __future__ import annotations

import base64
import binascii
import logging
from dataclasses import dataclass, field
from typing import Any

import orjson

from kgents.embedded.apiserver import targets
from kgents.embedded.apiserver.admission import Review
from kgents.embedded.apiserver.admission_request import request
from kgents.embedded.apiserver.errors import StatusError, bad_request, forbidden, internal
from kgents.embedded.apiserver.metadata import new_uid
from kgents.embedded.apiserver.policies.authorizer import asking
from kgents.embedded.apiserver.policies.conditions import values
from kgents.embedded.apiserver.policies.evaluate import OVER_BUDGET
from kgents.embedded.apiserver.policies.expressions import BASIC, activation
from kgents.embedded.apiserver.policies.text_work import too_much
from kgents.embedded.apiserver.registry import Resource
from kgents.embedded.apiserver.webhooks.client import CallFailed, post
from kgents.embedded.apiserver.webhooks.compiled import Webhook
from kgents.embedded.schema.cel import CelError, OverBudget

Object = dict[str, Any]
VERSION = "admission.k8s.io/v1"
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Said:
    """What a webhook answered. `refusal` is what the client gets if it said no."""

    refusal: StatusError | None = None
    patch: list[Any] | None = None
    warnings: list[str] = field(default_factory=list)


def wanted(hook: Webhook, review: Review) -> Resource | None:
    """The resource as which the webhook is to be asked about a write; None if it is not. Raises 403.

    The error of a match condition counts as the failurePolicy says.
    """
    resource = hook.target.match(review)
    if resource is None or not hook.conditions.programs:
        return resource
    call = review.call
    obj, old = (targets.seen_as(review, resource, one) for one in (review.obj, review.old))
    shown = values(review, obj, old, request(review, resource, ""))
    try:
        if too_much(hook.conditions.readers, shown):
            raise OverBudget(OVER_BUDGET)
        with asking(call.api.authorizer, call.user):
            return resource if hook.conditions.hold(activation(BASIC, shown)) else None
    except CelError as error:
        if hook.fails_closed:
            raise forbidden(call.resource.group, call.resource.plural, review.name, error.what) from error
        return None


async def ask(hook: Webhook, review: Review, resource: Resource) -> Said:
    """The webhook's answer, with its failures as its failurePolicy counts them. Raises 400, 500."""
    if review.call.dry_run and not hook.dry_run:
        raise bad_request(f'admission webhook "{hook.name}" does not support dry run')
    uid = new_uid()
    asked = request(review, resource, uid)
    asked["object"] = targets.seen_as(review, resource, review.obj)
    asked["oldObject"] = targets.seen_as(review, resource, review.old)
    try:
        answer = await post(review.call.api, hook, {"kind": "AdmissionReview", "apiVersion": VERSION, "request": asked})
        return _said(hook, answer, uid)
    except CallFailed as error:
        if hook.fails_closed:
            raise internal(f'failed calling webhook "{hook.name}": {error.what}') from error
        log.warning('failed calling webhook "%s", failing open: %s', hook.name, error.what)
        return Said()


def _said(hook: Webhook, answer: Any, uid: str) -> Said:
    """The meaning of an answer. Raises CallFailed for anything that is none."""
    if not isinstance(answer, dict) or (answer.get("kind"), answer.get("apiVersion")) != ("AdmissionReview", VERSION):
        raise CallFailed(f"received invalid webhook response: expected webhook response of {VERSION}, AdmissionReview")
    response = answer.get("response")
    if not isinstance(response, dict):
        raise CallFailed("received invalid webhook response: webhook response was absent")
    if response.get("uid") != uid:
        text = f"expected response.uid={orjson.dumps(uid).decode()}, got {_shown(response.get('uid'))}"
        raise CallFailed(f"received invalid webhook response: {text}")
    allowed, warnings = response.get("allowed", False), response.get("warnings") or []
    if not isinstance(allowed, bool) or not isinstance(warnings, list):
        raise CallFailed("received invalid webhook response: a field has the wrong type")
    said = Said(warnings=[text for text in warnings if isinstance(text, str)])
    if not allowed:
        said.refusal = refusal(hook.name, response.get("status"))
    elif response.get("patch"):
        said.patch = _patch(response)
    return said


def _patch(response: Object) -> list[Any]:
    if response.get("patchType") != "JSONPatch":
        raise CallFailed("received invalid webhook response: response.patch without the patchType JSONPatch")
    try:
        found = orjson.loads(base64.b64decode(response["patch"], validate=True))
    except (binascii.Error, TypeError, ValueError) as error:
        raise CallFailed(f"received invalid webhook response: the patch cannot be read: {error}") from error
    if not isinstance(found, list):
        raise CallFailed("received invalid webhook response: the patch is not a list of operations")
    return found


def _shown(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) < 100 else text[:99] + "…"


def refusal(name: str, status: Any) -> StatusError:
    """The Status that a webhook refuses with, made one that is certainly a failure."""
    given = status if isinstance(status, dict) else {}
    code = given.get("code")
    if not isinstance(code, int) or not 400 <= code <= 599:
        code = 400
    reason, message, details = (given.get(key) for key in ("reason", "message", "details"))
    why = next((text for text in (message, reason) if isinstance(text, str) and text), "")
    denied = f'admission webhook "{name}" denied the request'
    return StatusError(
        code,
        reason if isinstance(reason, str) else "",
        f"{denied}: {why}" if why else f"{denied} without explanation",
        details=_details(details) if isinstance(details, dict) else None,
    )


def _details(given: Object) -> Object:
    """The details that are what they should be: some of them become headers."""
    found: Object = {key: given[key] for key in ("name", "group", "kind", "uid") if isinstance(given.get(key), str)}
    causes = given.get("causes")
    if isinstance(causes, list):
        found["causes"] = [cause for cause in causes if isinstance(cause, dict)]
    if isinstance(given.get("retryAfterSeconds"), int):
        found["retryAfterSeconds"] = given["retryAfterSeconds"]
    return found
