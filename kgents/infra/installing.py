"""What a hive in a cluster is made of: checked as a whole first, applied in its order, and taken out again."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from typing import Any, NamedTuple

from kgents.api.errors import KgentsError
from kgents.api.kinds import KINDS, NAMESPACE
from kgents.infra import applying, deployed, kinds, manifests, rights
from kgents.infra.applying import Made, Part
from kgents.infra.bootstrap import discover
from kgents.infra.hive import Hive
from kgents.infra.manifests import Images
from kgents.kube.client import KubeClient
from kgents.kube.errors import ObjectNotFound

OLDEST = (1, 30)
"""ValidatingAdmissionPolicy and the CEL library that the kinds' rules use are v1 since Kubernetes 1.30."""


_TRUST = (deployed.certificate(), deployed.authority())


class Wish(NamedTuple):
    """How a hive shall live in its cluster.

    `images`: its operators and Cortex run there, from these; None: here, or as they do already. `namespace`: where
    agents go, made if missing. `force`: kinds are replaced though stored objects may not fit; `force_conflicts`:
    fields that others manage are taken over. `wait`: until what was deployed has come up.
    """

    images: Images | None = None
    namespace: str = ""
    force: bool = False
    force_conflicts: bool = False
    wait: bool = True


def plan(wish: Wish) -> list[dict[str, Any]]:
    """All that `init` would apply, in its order. Nobody is asked and nothing is sent.

    Of Cortex's certificate and authority only the names are known before they are made.
    """
    return [*_objects(), *([_place(wish)] if wish.namespace else []), *_deployed_objects(wish)]


async def checked(api: KubeClient, wish: Wish) -> str:
    """The server's version. Raises before anything is changed.

    It is too old, you lack rights, stored objects would not fit the kinds, or others manage fields.
    """
    version = await api.version()
    numbers = [re.match(r"\d+", str(version.get(part) or "")) for part in ("major", "minor")]
    found = tuple(int(number[0]) for number in numbers if number)
    if len(found) == 2 and found < OLDEST:
        raise KgentsError(
            f"The cluster runs Kubernetes {version.get('gitVersion')}, which is too old",
            why="admission policies are v1 since 1.30",
            fix="Use a cluster of Kubernetes 1.30 or newer",
        )
    parts = await _parts(api, [*_objects(), *_deployed_objects(wish)])
    needed = [
        right
        for kind, obj in parts
        for right in rights.of_kind(kind, rights.APPLY, obj["metadata"].get("namespace", ""))
    ]
    await rights.check(api, [*needed, *rights.to_live_there()])
    if not wish.force:
        await kinds.check(api, manifests.crds())
    # The certificate is made when it is applied, and a Secret of one is nothing without it.
    await applying.rehearse(api, [part for part in parts if part[1] not in _TRUST], force=wish.force_conflicts)
    return str(version.get("gitVersion") or "of an unknown version")


def _objects() -> list[dict[str, Any]]:
    """What a hive is made of in every form, in the order in which it is applied."""
    namespace, *rest = manifests.foundation(shared=True)
    return [namespace, *manifests.crds(), *rest]


def _deployed_objects(wish: Wish) -> list[dict[str, Any]]:
    return [*_TRUST, *manifests.workloads(wish.images)] if wish.images else []


def _place(wish: Wish) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": wish.namespace}}


async def _parts(api: KubeClient, objects: list[dict[str, Any]]) -> list[Part]:
    wanted = {(str(obj["apiVersion"]), str(obj["kind"])) for obj in objects}
    found = {one: await discover(api, *one) for one in sorted(wanted)}
    return [(found[obj["apiVersion"], obj["kind"]], obj) for obj in objects]


async def apply(api: KubeClient, hive: Hive, wish: Wish) -> Counter[str]:
    parts = await _parts(api, _objects())
    done = await applying.apply(api, parts, Made(hive.made_file), force=wish.force_conflicts)
    await applying.established(api, parts)
    if wish.namespace:
        # Not noted as made: what people put there is not the hive's to take away.
        await api.apply(NAMESPACE, _place(wish), field_manager=applying.MANAGER, force=wish.force_conflicts)
    return done


async def deploy(api: KubeClient, hive: Hive, wish: Wish) -> Counter[str]:
    assert wish.images is not None
    objects = [*await deployed.trust(api), *manifests.workloads(wish.images)]
    return await applying.apply(api, await _parts(api, objects), Made(hive.made_file), force=wish.force_conflicts)


async def come_up(api: KubeClient, wish: Wish, timeout: float) -> None:
    await deployed.rolled_out(api, await _parts(api, _deployed_objects(wish)), timeout)


async def contents(api: KubeClient, made: Made) -> dict[str, int]:
    ours = [kind for kind in KINDS if f"customresourcedefinitions//{kind.plural}.kgents.io" in made.uids]
    found = {}
    for kind in ours:
        try:
            found[kind.plural] = len((await api.list(kind))["items"])
        except ObjectNotFound:
            continue
    return {plural: count for plural, count in found.items() if count}


async def clear(api: KubeClient, made: Made) -> Counter[str]:
    # Kubernetes' garbage collector cannot ask after owners whose kind is gone: agents go first, with all they own.
    for kind in KINDS:
        if kind.plural in await contents(api, made):
            for obj in (await api.list(kind))["items"]:
                metadata = obj["metadata"]
                await api.delete(
                    kind, metadata["name"], metadata["namespace"], propagation="Foreground", missing_ok=True
                )
    while await contents(api, made):
        await asyncio.sleep(0.2)
    # Whoever made the plain form alone may not even look at what the other form has.
    more = [part for part in await _parts(api, _deployed_objects(Wish(Images.of()))) if made.uid(*part) is not None]
    return await applying.remove(api, [*await _parts(api, _objects()), *more], made)
