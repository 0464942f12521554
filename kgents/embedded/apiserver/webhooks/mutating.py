"""Mutating webhooks: one after the other, each sees what the ones before it did."""

from __future__ import annotations

from typing import Any

from kgents.embedded.apiserver import targets, warn
from kgents.embedded.apiserver.admission import Review
from kgents.embedded.apiserver.errors import internal
from kgents.embedded.apiserver.registry import Resource
from kgents.embedded.apiserver.webhooks.asking import ask, wanted
from kgents.embedded.apiserver.webhooks.compiled import Webhook
from kgents.embedded.patch import json_patch
from kgents.embedded.patch.errors import PatchError

WHOLE = ("", "status", "finalize")
"""Endpoints whose object is that of the resource itself."""


async def mutate(review: Review, hooks: tuple[Webhook, ...]) -> None:
    """Asks every webhook that is concerned. Raises what one refuses with.

    One with reinvocationPolicy IfNeeded is asked a second time if another changed the object after it.
    """
    again: list[Webhook] = []
    before: list[Webhook] = []
    for hook in hooks:
        changed = await _ask(hook, review)
        if changed:
            again += [one for one in before if one not in again]
            before = []
        if changed is not None and hook.reinvoked:
            before.append(hook)
    for hook in hooks:
        if hook in again:
            await _ask(hook, review)


async def _ask(hook: Webhook, review: Review) -> bool | None:
    """Whether the webhook changed the object; None if it was not asked."""
    resource = wanted(hook, review)
    if resource is None:
        return None
    said = await ask(hook, review, resource, mutating=True)
    for text in said.warnings:
        warn.add(review.call.warnings, text)
    if said.refusal is not None:
        raise said.refusal
    return said.patch is not None and _apply(hook, review, resource, said.patch)


def _apply(hook: Webhook, review: Review, resource: Resource, patch: list[object]) -> bool:
    if not patch:
        return False
    if review.obj is None:
        why = "attempted to modify the object, which is not supported for this operation"
        raise internal(f'admission webhook "{hook.name}" {why}')
    before = targets.seen_as(review, resource, review.obj)
    try:
        after = json_patch.apply(before, patch)
    except PatchError as error:
        why = f"{error.what}: {error.why}" if error.why else error.what
        raise internal(f'the patch of admission webhook "{hook.name}" cannot be applied: {why}') from error
    if not isinstance(after, dict) or not isinstance(after.get("metadata"), dict):
        raise internal(f'the patch of admission webhook "{hook.name}" leaves no object')
    if after == before:
        return False
    changed = targets.asked_as(review, resource, after)
    if review.subresource in WHOLE:
        _default(hook, review.call.resource, changed)
    # In place: whoever handed over the object goes on with it.
    review.obj.clear()
    review.obj.update(changed)
    review.changed = True
    return True


def _default(hook: Webhook, resource: Resource, obj: dict[str, Any]) -> None:
    """The next webhook sees the defaults of what this one made."""
    if wrong := resource.schema.decode_error(obj):
        raise internal(f'the patch of admission webhook "{hook.name}" leaves no {resource.kind}: {wrong}')
    resource.schema.default(obj)
    resource.strategy.default(obj)
