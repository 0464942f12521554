"""The kinds (CRDs) of a hive: what is there, what this version ships, and the step from one to the other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, NamedTuple

from kgents.api.errors import Refused
from kgents.api.kinds import CRD, KINDS
from kgents.infra import applying, manifests
from kgents.infra.applying import MANAGER, Made, Part
from kgents.infra.compatible import breaks
from kgents.kube.client import KubeClient
from kgents.kube.errors import Conflict, ObjectNotFound

Object = dict[str, Any]


class Step(NamedTuple):
    """One CRD: as it is (None: it is not there), as it would be, and what of it would be taken away."""

    name: str
    there: Object | None
    wanted: Object
    breaks: list[str]

    @property
    def state(self) -> str:
        """`missing`, `same` or `differs`."""
        if self.there is None:
            return "missing"
        return "same" if self.there["spec"] == self.wanted["spec"] else "differs"


async def steps(api: KubeClient, crds: Iterable[Object]) -> list[Step]:
    """What applying `crds` would do, asked of the server by a dry run."""

    async def one(crd: Object) -> Step:
        name = crd["metadata"]["name"]
        try:
            there: Object | None = await api.get(CRD, name)
        except ObjectNotFound:
            there = None
        try:
            wanted = await api.apply(CRD, crd, field_manager=MANAGER, dry_run=True)
        except Conflict:
            # Fields that somebody else manages are told when it is applied; here only what it would be counts.
            wanted = await api.apply(CRD, crd, field_manager=MANAGER, force=True, dry_run=True)
        return Step(name, there, wanted, breaks(there, wanted) if there else [])

    return list(await asyncio.gather(*(one(crd) for crd in crds)))


async def check(api: KubeClient, crds: Iterable[Object]) -> None:
    """Raises Refused when what is stored may not fit the new kinds any more."""
    broken = [f"{step.name}: {line}" for step in await steps(api, crds) for line in step.breaks]
    if broken:
        raise Refused(
            "These kinds are not replaced, for objects of theirs may not fit the new ones",
            why="; ".join(broken[:4]) + (f" and {len(broken) - 4} more" if len(broken) > 4 else ""),
            fix="See kgents infra crd diff; if it is meant, add --force",
        )


async def apply(api: KubeClient, made: Made | None, *, force: bool, force_conflicts: bool) -> dict[str, int]:
    """Applies this version's kinds alone, and waits until they are served. `made`: where new ones are noted."""
    crds = manifests.crds()
    if not force:
        await check(api, crds)
    parts: list[Part] = [(CRD, crd) for crd in crds]
    done = await applying.apply(api, parts, made, force=force_conflicts)
    await applying.established(api, parts)
    return dict(done)


async def counts(api: KubeClient) -> dict[str, int]:
    """How many objects there are of each kind that is served, by the name of its CRD."""
    found = {}
    for kind in KINDS:
        try:
            listed = await api.list(kind, max_items=1)
        except ObjectNotFound:
            continue
        rest = (listed.get("metadata") or {}).get("remainingItemCount", 0)
        found[f"{kind.plural}.kgents.io"] = len(listed["items"]) + int(rest)
    return found
