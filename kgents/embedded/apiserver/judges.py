"""The judges of a write that users register. While none is registered, they cost a look at empty collections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kgents.embedded.apiserver.admission import Review
from kgents.embedded.apiserver.registered import GROUP, Registered

if TYPE_CHECKING:
    from kgents.embedded.apiserver.policies.compiled import Policy
    from kgents.embedded.apiserver.webhooks.compiled import Webhook

Object = dict[str, Any]


REVIEWS = ("authentication.k8s.io", "authorization.k8s.io")
"""Groups of questions, which policies never see: a wrong one would keep everybody from asking what he may do."""


def _exempt(review: Review) -> bool:
    """Webhooks never judge each other, nor policies: a wrong one could not be removed any more."""
    return review.call.resource.group == GROUP


def _beyond_policies(review: Review) -> bool:
    """Policies judge webhooks, but not each other."""
    resource = review.call.resource
    return resource.group in REVIEWS or (
        resource.group == GROUP and not resource.plural.endswith("webhookconfigurations")
    )


def _policies(policies: list[Object], bindings: list[Object]) -> tuple[Policy, ...]:
    from kgents.embedded.apiserver.policies.compiled import compile_policies

    return compile_policies(policies, bindings)


def _webhooks(configurations: list[Object]) -> tuple[Webhook, ...]:
    from kgents.embedded.apiserver.webhooks.compiled import compile_webhooks

    return compile_webhooks(configurations)


class MutatingWebhooks:
    """Webhooks that may change a write."""

    again = False

    def __init__(self) -> None:
        self._registered = Registered(_webhooks, "mutatingwebhookconfigurations")

    async def mutate(self, review: Review) -> None:
        """Asks one after the other."""
        if self._registered.idle(review.call.api) or _exempt(review):
            return
        from kgents.embedded.apiserver.webhooks.mutating import mutate

        await mutate(review, self._registered.get(review.call.api))

    async def validate(self, review: Review) -> None:
        """Has had its say."""


class Policies:
    """ValidatingAdmissionPolicies."""

    again = False

    def __init__(self) -> None:
        names = ("validatingadmissionpolicies", "validatingadmissionpolicybindings")
        self._registered = Registered(_policies, *names)

    async def mutate(self, review: Review) -> None:
        """Changes nothing."""

    async def validate(self, review: Review) -> None:
        """Evaluates what is in force."""
        if self._registered.idle(review.call.api) or _beyond_policies(review):
            return
        from kgents.embedded.apiserver.policies.step import judge

        await judge(review, self._registered.get(review.call.api))


class ValidatingWebhooks:
    """Webhooks that may refuse a write."""

    again = False

    def __init__(self) -> None:
        self._registered = Registered(_webhooks, "validatingwebhookconfigurations")

    async def mutate(self, review: Review) -> None:
        """Changes nothing."""

    async def validate(self, review: Review) -> None:
        """Asks all at once."""
        if self._registered.idle(review.call.api) or _exempt(review):
            return
        from kgents.embedded.apiserver.webhooks.validating import validate

        await validate(review, self._registered.get(review.call.api))
