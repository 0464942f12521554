"""What the answer of a webhook means: permission, refusal, a patch, or nothing that can be understood."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any

import orjson

from kgents.embedded.apiserver.errors import StatusError
from kgents.embedded.apiserver.json_errors import go_words
from kgents.embedded.apiserver.webhooks.client import CallFailed
from kgents.embedded.apiserver.webhooks.compiled import Webhook

Object = dict[str, Any]
KIND = "admission.k8s.io/v1, Kind=AdmissionReview"
INVALID = "received invalid webhook response"


@dataclass(slots=True)
class Said:
    """What a webhook answered. `refusal` is what the client gets if it said no."""

    refusal: StatusError | None = None
    patch: list[Any] | None = None
    warnings: list[str] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)


def read_answer(hook: Webhook, answer: Any, uid: str, *, mutating: bool) -> Said:
    """The meaning of an answer. Raises CallFailed for anything that is none."""
    if not isinstance(answer, dict):
        raise CallFailed(f"failed to call webhook: expected {KIND}, got {_shown(answer)}")
    response = answer.get("response")
    if response is None:
        raise CallFailed(f"{INVALID}: webhook response was absent")
    if not isinstance(response, dict):
        raise CallFailed(f"{INVALID}: a field has the wrong type")
    if hook.review == "v1":
        _check_identity(answer, response, uid)
    allowed, warnings = response.get("allowed", False), response.get("warnings") or []
    notes = response.get("auditAnnotations") or {}
    if not isinstance(allowed, bool) or not isinstance(warnings, list) or not isinstance(notes, dict):
        raise CallFailed(f"{INVALID}: a field has the wrong type")
    patch = _patch(hook, response, mutating=mutating)
    said = Said(warnings=[text for text in warnings if isinstance(text, str)])
    said.annotations = {key: value for key, value in notes.items() if isinstance(value, str)}
    if not allowed:
        said.refusal = refusal(hook.name, response.get("status"))
    elif patch:
        said.patch = _operations(patch)
    return said


def _check_identity(answer: Object, response: Object, uid: str) -> None:
    """That it is the answer to this question. Of the older v1beta1 Kubernetes never demanded it."""
    if response.get("uid") != uid:
        given = response.get("uid") or ""
        raise CallFailed(f"{INVALID}: expected response.uid={_shown(uid)}, got {_shown(given)}")
    group, _, version = str(answer.get("apiVersion") or "").rpartition("/")
    found = f"{group}/{version}, Kind={answer.get('kind') or ''}"
    if found != KIND:
        raise CallFailed(f"{INVALID}: expected webhook response of {KIND}, got {found[:200]}")


def _patch(hook: Webhook, response: Object, *, mutating: bool) -> Any:
    """The patch as it came, if one may come."""
    patch, kind = response.get("patch"), response.get("patchType")
    if not mutating:
        for key, value in (("patch", patch), ("patchType", kind)):
            if hook.review == "v1" and (value or (key == "patchType" and value is not None)):
                raise CallFailed(f"{INVALID}: validating webhook may not return response.{key}")
        return None
    if hook.review != "v1":
        return patch
    if patch and kind is None:
        raise CallFailed(f"{INVALID}: webhook returned response.patch but not response.patchType")
    if not patch and kind is not None:
        raise CallFailed(f"{INVALID}: webhook returned response.patchType but not response.patch")
    if kind == "":
        raise CallFailed(f'{INVALID}: webhook returned invalid response.patchType of ""')
    if patch and kind != "JSONPatch":
        raise CallFailed(f"unsupported patch type {_shown(kind)}")
    return patch


def _operations(patch: Any) -> list[Any]:
    try:
        raw = base64.b64decode(patch, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise CallFailed(f"failed to call webhook: illegal base64 data: {error}") from error
    undecodable = "received undecodable patch in webhook response: "
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise CallFailed(undecodable + go_words(raw, error)) from error
    if not isinstance(found, list):
        raise CallFailed(f"{undecodable}json: cannot unmarshal object into Go value of type jsonpatch.Patch")
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
