"""The judge of roles and bindings: whoever writes one may not give away more than he has."""

from __future__ import annotations

from kgents.embedded.apiserver.admission import Review
from kgents.embedded.auth import escalation


class Escalation:
    """Asks for the user's own permissions when a role or a binding is written.

    Like Kubernetes, before the object is validated: what somebody may not write is not looked at any further.
    """

    again = False

    async def mutate(self, review: Review) -> None:
        """Raises Forbidden when the write would grant what its author does not hold."""
        call = review.call
        if review.obj is not None and call.resource.group == escalation.GROUP:
            escalation.check(call.api.authorizer, call.user, call.resource.plural, review.obj, review.old)

    async def validate(self, review: Review) -> None:
        """Has had its say."""
