"""What somebody may do, as the API server's own authorizers say: asked by SubjectAccessReview, and held for seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from cortex.remembered import Remembered
from cortex.scope import EVERYWHERE, NOWHERE, Where
from kgents.api.errors import KgentsError, Refused, Unreachable
from kgents.api.kinds import Kind
from kgents.kube.client import KubeClient
from kgents.kube.impersonation import Identity

HOLDS = 10.0
MOST = 50_000
AT_ONCE = 16
NAMESPACES = 200
"""So many are asked about, one by one, for who may not see all; a larger hive wants to be told which."""
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


class Right(NamedTuple):
    """One verb on one resource. `namespace` "" is all of them, `name` "" is any."""

    verb: str
    kind: Kind
    namespace: str = ""
    subresource: str = ""
    name: str = ""

    def __str__(self) -> str:
        path = f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural
        group = self.kind.api_version.rpartition("/")[0]
        named = f"{path}.{group}" if group else path
        return f"{self.verb} {named}" + (f" in {self.namespace}" if self.namespace else "")


class Rights:
    """Everybody's. Answers are kept by who asks and for what, all of it: nobody gets another's."""

    def __init__(self, api: KubeClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._known: Remembered[tuple[Identity, Right], bool] = Remembered(MOST, HOLDS, clock)
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def allowed(self, who: Identity, right: Right) -> bool:
        """Raises Unreachable when nobody can say."""
        return await self._known.get((who, right), lambda: self._ask(who, right))

    async def where(self, who: Identity, right: Right, namespaces: Iterable[str]) -> Where:
        """Where he has `right`: in its namespace, or, where that is open, in which of `namespaces`.

        Raises Refused when there are too many to ask about, Unreachable when nobody can say.
        """
        if await self.allowed(who, right):
            return Where(frozenset({right.namespace})) if right.namespace else EVERYWHERE
        if right.namespace:
            return NOWHERE
        every = sorted(set(namespaces))
        if len(every) > NAMESPACES:
            raise Refused(
                f"You may not {right} in all namespaces",
                why=f"there are {len(every)}, too many to see which you may",
                fix="Say which with -n",
            )
        answers = await asyncio.gather(*(self.allowed(who, right._replace(namespace=one)) for one in every))
        return Where(frozenset(one for one, allowed in zip(every, answers, strict=True) if allowed))

    async def _ask(self, who: Identity, right: Right) -> bool:
        group, _, version = right.kind.api_version.rpartition("/")
        attributes = {
            "verb": right.verb,
            "group": group,
            "version": version,
            "resource": right.kind.plural,
            "subresource": right.subresource,
            "namespace": right.namespace,
            "name": right.name,
        }
        spec = {
            "resourceAttributes": {key: value for key, value in attributes.items() if value},
            "user": who.name,
            "uid": who.uid,
            "groups": list(who.groups),
            "extra": {key: list(values) for key, values in who.extra},
        }
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        try:
            async with self._turns:
                answer = await self._api.request("POST", _REVIEWS, body=body, timeout=10.0)
            status = answer["status"]
            return status.get("allowed") is True and not status.get("denied")
        except (KgentsError, KeyError, TypeError, AttributeError) as error:
            raise Unreachable("Cortex cannot say what you may see", why=str(error)) from error
