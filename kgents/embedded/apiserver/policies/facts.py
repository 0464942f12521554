"""What policies are shown of one write, worked out once and no sooner than one of them asks.

Most policies concern few writes and say so by conditions on who asks for what. These are settled on the request alone:
to show CEL an object and its namespace costs more than all of the rest.
"""

from __future__ import annotations

from typing import Any

from kgents.embedded.apiserver import targets
from kgents.embedded.apiserver.admission import Review
from kgents.embedded.apiserver.admission_request import request
from kgents.embedded.apiserver.policies.compiled import Policy
from kgents.embedded.apiserver.policies.conditions import values
from kgents.embedded.apiserver.policies.expressions import activation
from kgents.embedded.apiserver.registry import Resource
from kgents.embedded.schema.cel import CelError

Object = dict[str, Any]
NO_UID = ""
"""Of a request: webhooks are told one, policies cannot ask for it."""


class Facts:
    """The values of a write, as any of the resources that it was matched as."""

    def __init__(self, review: Review) -> None:
        self._review = review
        self._requests: dict[Resource, Object] = {}
        self._values: dict[Resource, Object] = {}
        self._outlines: dict[tuple[tuple[str, ...], Resource], Any] = {}

    def values(self, resource: Resource) -> Object:
        """All that expressions may name, but for parameters."""
        if resource not in self._values:
            review = self._review
            obj, old = (targets.seen_as(review, resource, one) for one in (review.obj, review.old))
            self._values[resource] = values(review, obj, old, self._request(resource))
        return self._values[resource]

    def rule_out(self, policy: Policy, resource: Resource) -> bool:
        """Whether the request alone shows that the policy is not about this write. Errors are left to evaluation."""
        if not policy.conditions.of_request:
            return False
        try:
            return not policy.conditions.hold(self._outline(policy.names, resource))
        except CelError:
            return False

    def _outline(self, names: tuple[str, ...], resource: Resource) -> Any:
        """The request, converted for the runtime, and nothing of the rest."""
        key = (names, resource)
        if key not in self._outlines:
            self._outlines[key] = activation(names, {**dict.fromkeys(names), "request": self._request(resource)})
        return self._outlines[key]

    def _request(self, resource: Resource) -> Object:
        if resource not in self._requests:
            self._requests[resource] = request(self._review, resource, NO_UID)
        return self._requests[resource]
