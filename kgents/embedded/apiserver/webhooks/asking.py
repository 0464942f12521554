"""One question to one webhook: whether it is to be asked, and the AdmissionReview."""

from __future__ import annotations

import logging
from typing import Any

from kgents.embedded.apiserver import audit, targets
from kgents.embedded.apiserver.admission import Review
from kgents.embedded.apiserver.admission_request import request
from kgents.embedded.apiserver.errors import bad_request, forbidden, internal
from kgents.embedded.apiserver.metadata import new_uid
from kgents.embedded.apiserver.policies.authorizer import asking
from kgents.embedded.apiserver.policies.conditions import values
from kgents.embedded.apiserver.policies.evaluate import OVER_BUDGET
from kgents.embedded.apiserver.policies.expressions import BASIC, activation
from kgents.embedded.apiserver.policies.text_work import too_much
from kgents.embedded.apiserver.registry import Resource
from kgents.embedded.apiserver.webhooks.answers import Said, read_answer
from kgents.embedded.apiserver.webhooks.client import CallFailed, post
from kgents.embedded.apiserver.webhooks.compiled import Webhook
from kgents.embedded.schema.cel import CelError, OverBudget

Object = dict[str, Any]
GROUP = "admission.k8s.io"
log = logging.getLogger(__name__)


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


async def ask(hook: Webhook, review: Review, resource: Resource, *, mutating: bool) -> Said:
    """The webhook's answer, with its failures as its failurePolicy counts them. Raises 400, 500."""
    if review.call.dry_run and not hook.dry_run:
        raise bad_request(f'admission webhook "{hook.name}" does not support dry run')
    uid = new_uid()
    asked = request(review, resource, uid)
    asked["object"] = targets.seen_as(review, resource, review.obj)
    asked["oldObject"] = targets.seen_as(review, resource, review.old)
    question = {"kind": "AdmissionReview", "apiVersion": f"{GROUP}/{hook.review}", "request": asked}
    try:
        said = read_answer(hook, await post(review.call.api, hook, question), uid, mutating=mutating)
    except CallFailed as error:
        if hook.fails_closed:
            raise internal(f'failed calling webhook "{hook.name}": {error.what}') from error
        log.warning('failed calling webhook "%s", failing open: %s', hook.name, error.what)
        return Said()
    audit.note(review, {f"{hook.name}/{key}": value for key, value in said.annotations.items()})
    return said
