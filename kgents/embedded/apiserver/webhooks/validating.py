"""Validating webhooks: all at once, and the first refusal in their order is the answer."""

from __future__ import annotations

import asyncio

from kgents.embedded.apiserver import warn
from kgents.embedded.apiserver.admission import Review
from kgents.embedded.apiserver.errors import StatusError
from kgents.embedded.apiserver.webhooks.answers import Said
from kgents.embedded.apiserver.webhooks.asking import ask, wanted
from kgents.embedded.apiserver.webhooks.compiled import Webhook


async def validate(review: Review, hooks: tuple[Webhook, ...]) -> None:
    """Asks every webhook that is concerned. Raises what one refuses with."""
    asked = [(hook, resource) for hook in hooks if (resource := wanted(hook, review)) is not None]
    if not asked:
        return
    questions = (_answer(ask(hook, review, resource, mutating=False)) for hook, resource in asked)
    refusals: list[StatusError] = []
    for said in await asyncio.gather(*questions):
        if isinstance(said, StatusError):
            refusals.append(said)
            continue
        for text in said.warnings:
            warn.add(review.call.warnings, text)
        if said.refusal is not None:
            refusals.append(said.refusal)
    if refusals:
        raise refusals[0]


async def _answer(question: asyncio.Future[Said] | object) -> Said | StatusError:
    """The answer or the failure: one that fails must not leave the others unread."""
    try:
        found: Said = await question  # type: ignore[misc]
    except StatusError as error:
        return error
    return found
