"""The room for what judges a write after authorization: steps that may change it, then steps that may refuse it.

Steps are asked in order. Policies and webhooks join the chain here; built in are the rules of namespaces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from kgents.embedded.apiserver.calls import Call
from kgents.embedded.apiserver.errors import forbidden, not_found

Object = dict[str, Any]


@dataclass(slots=True)
class Review:
    """One write as admission sees it. `operation` is CREATE, UPDATE or DELETE; `obj` is None for a deletion.

    `changed`: a step replaced content of `obj`, so that it must be completed again.
    """

    call: Call
    operation: str
    obj: Object | None
    old: Object | None = None
    subresource: str = ""
    changed: bool = False

    @property
    def name(self) -> str:
        """The name of the object; empty while many are deleted at once, as in Kubernetes."""
        info = self.call.info
        if info.verb == "deletecollection":
            return ""
        return info.name or str(((self.obj or {}).get("metadata") or {}).get("name") or "")


class Step(Protocol):
    """One judge. Either method refuses by raising StatusError. `again`: looks again at what others changed."""

    again: bool

    async def mutate(self, review: Review) -> None:
        """May change the object in place, before it is validated."""

    async def validate(self, review: Review) -> None:
        """Sees the object as it would be stored."""


class Chain:
    """All judges, in order."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)

    async def mutate(self, review: Review) -> None:
        """Lets every step change the object."""
        for step in self.steps:
            await step.mutate(review)
        if review.changed:
            for step in self.steps:
                if step.again:
                    await step.mutate(review)

    async def validate(self, review: Review) -> None:
        """Lets every step refuse the object."""
        for step in self.steps:
            await step.validate(review)

    async def judge(self, review: Review) -> None:
        """Both, for what has no object of its own in the store."""
        await self.mutate(review)
        await self.validate(review)


class NamespaceLifecycle:
    """Objects are only created in a namespace that is there and stays there."""

    again = False

    async def mutate(self, review: Review) -> None:
        """Refuses before anything else looks at the object."""
        call = review.call
        if review.operation != "CREATE" or not call.resource.namespaced or not call.namespace:
            return
        if call.resource.plural == "localsubjectaccessreviews":
            return
        record = call.api.namespaces.get("", call.namespace)
        if record is None:
            raise not_found("", "namespaces", call.namespace)
        if b'"deletionTimestamp"' not in record.data or not record.parse()["metadata"].get("deletionTimestamp"):
            return
        name = (review.obj or {}).get("metadata", {}).get("name", "")
        why = f"unable to create new content in namespace {call.namespace} because it is being terminated"
        message = f"namespace {call.namespace} is being terminated"
        cause = {"reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace"}
        raise forbidden(call.resource.group, call.resource.plural, name, why, [cause])

    async def validate(self, review: Review) -> None:
        """Has nothing more to say."""
