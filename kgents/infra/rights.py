"""What somebody must be allowed to do in a cluster for a hive to live there, asked before anything is changed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from kgents.api.errors import Refused
from kgents.api.kinds import EVENT, HIVE_NAMESPACE, KINDS, POD, Kind
from kgents.kube.client import KubeClient
from kgents.kube.errors import ObjectNotFound

_REVIEW = Kind("SelfSubjectAccessReview", "selfsubjectaccessreviews", "authorization.k8s.io/v1", namespaced=False)
APPLY = ("get", "create", "patch")


class Right(NamedTuple):
    """One verb on one resource; `namespace` "" means all of them, or that the resource has none."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    subresource: str = ""

    @property
    def on(self) -> str:
        """What it is a right to, as kubectl names it."""
        path = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        named = f"{path}.{self.group}" if self.group else path
        return f"{named} in {self.namespace}" if self.namespace else named


def of_kind(kind: Kind, verbs: Iterable[str], namespace: str = "") -> list[Right]:
    group = kind.api_version.rpartition("/")[0]
    return [Right(verb, group, kind.plural, namespace) for verb in verbs]


def to_live_there() -> list[Right]:
    """What Cortex reads as the person who starts it, and the token that the operators act with."""
    reads = [right for kind in (*KINDS, POD, EVENT) for right in of_kind(kind, ("list", "watch"))]
    token = Right("create", "", "serviceaccounts", HIVE_NAMESPACE, "token")
    return [*reads, Right("get", "", "pods", subresource="log"), token]


async def check(api: KubeClient, rights: Iterable[Right]) -> None:
    """Raises Refused, naming all that is missing. An API without access reviews is taken at its word later on."""
    wanted = list(dict.fromkeys(rights))
    try:
        answers = await asyncio.gather(*(_allowed(api, right) for right in wanted))
    except ObjectNotFound:
        return
    missing = defaultdict(list)
    for right, allowed in zip(wanted, answers, strict=True):
        if not allowed:
            missing[right.on].append(right.verb)
    if missing:
        raise Refused(
            f"You lack rights in {api.config.context}, so nothing was changed",
            why="not allowed: " + "; ".join(f"{', '.join(verbs)} {on}" for on, verbs in missing.items()),
            fix="Ask who administers the cluster for them, or to run this command once",
        )


async def _allowed(api: KubeClient, right: Right) -> bool:
    attributes = {key: value for key, value in right._asdict().items() if value}
    review = {"spec": {"resourceAttributes": attributes}}
    return bool((await api.create(_REVIEW, review))["status"].get("allowed"))
