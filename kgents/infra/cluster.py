"""A hive in a cluster that is not ours: made there by server-side apply, worked by processes here, and taken out again.

In this form nothing in the cluster calls back here: no webhook is registered, so that a laptop whose lid is closed
blocks nobody's writes. What CEL can say guards the hive, inside the API server.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from kgents.api.errors import KgentsError, NotFound, Unreachable, UsageError
from kgents.api.kinds import KINDS, NAMESPACE
from kgents.infra import applying, kubeconfig, manifests, revive, rights
from kgents.infra import hive as hives
from kgents.infra.applying import Made, Part
from kgents.infra.bootstrap import discover
from kgents.infra.hive import Cluster, Hive
from kgents.kube import config as kube_config
from kgents.kube import kubeconfig as kubeconfigs
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig
from kgents.kube.errors import ObjectNotFound

Tell = Callable[[str], None]
T = TypeVar("T")

OLDEST = (1, 30)
"""ValidatingAdmissionPolicy and the CEL library that the kinds' rules use are v1 since Kubernetes 1.30."""
PATIENCE = 10.0
"""Seconds for one request."""


def init(
    context: str,
    name: str,
    tell: Tell,
    *,
    namespace: str = "",
    force: bool = False,
    select: bool = True,
    timeout: float = 60.0,
) -> Hive:
    """The hive in that context's cluster, made if need be: idempotent. Returns when its processes are started."""
    config = _config(context)
    hive = _known(config, name)
    version = _run(config, lambda api: _checked(api, force=force), timeout)
    tell(f"{context} ({config.server}) runs Kubernetes {version}, and you may do what is needed")
    hive = hive or hives.create_in(_cluster(config), _free_name(name or hives.name_for(context), name))
    done = _run(config, lambda api: _apply(api, hive, namespace, force=force), timeout)
    tell(f"kinds, permissions and the namespace of the hive: {_told(done)}")
    tell("no webhook is registered: CEL rules in the API server alone guard it, so this machine may sleep")
    if not revive.is_supervised(hive):
        _end_loose_cortex(hive)
        revive.start_supervisor(hive)
        tell("started Cortex and the operators on this machine")
    if select:
        path = kubeconfig.user_kubeconfig()
        kubeconfig.select(path, context, namespace)
        tell(f"selected the context {context} in {path}")
    return hive


def operators_act(hive: Hive, timeout: float) -> bool:
    """Whether the operators have logged in, waiting for it: their token stands as long as they are at work."""
    latest = time.monotonic() + timeout
    while not hive.operators_token_file.exists():
        if time.monotonic() > latest:
            return False
        time.sleep(0.05)
    return True


def contents(hive: Hive, timeout: float = 30.0) -> dict[str, int]:
    """How many objects of each of our kinds would go with the hive: of those kinds that it has made."""
    return _run(_config_of(hive), lambda api: _contents(api, Made(hive.made_file)), timeout)


def clear(hive: Hive, tell: Tell, timeout: float = 120.0) -> None:
    """Takes away from the cluster what `init` has made there, and nothing else."""
    done = _run(_config_of(hive), lambda api: _clear(api, Made(hive.made_file)), timeout)
    tell(f"took what it had made out of {hive.context}: {_told(done)}")


async def _checked(api: KubeClient, *, force: bool) -> str:
    """The server's version. Raises before anything is changed: it is too old, you lack rights, others' fields."""
    version = await api.version()
    numbers = [re.match(r"\d+", str(version.get(part) or "")) for part in ("major", "minor")]
    found = tuple(int(number[0]) for number in numbers if number)
    if len(found) == 2 and found < OLDEST:
        raise KgentsError(
            f"The cluster runs Kubernetes {version.get('gitVersion')}, which is too old",
            why="admission policies are v1 since 1.30",
            fix="Use a cluster of Kubernetes 1.30 or newer",
        )
    parts = await _parts(api)
    needed = [
        right
        for kind, obj in parts
        for right in rights.of_kind(kind, rights.APPLY, obj["metadata"].get("namespace", ""))
    ]
    await rights.check(api, [*needed, *rights.to_live_there()])
    await applying.rehearse(api, parts, force=force)
    return str(version.get("gitVersion") or "of an unknown version")


async def _parts(api: KubeClient) -> list[Part]:
    objects = [*manifests.foundation(shared=True), *manifests.crds()]
    wanted = {(str(obj["apiVersion"]), str(obj["kind"])) for obj in objects}
    kinds = {one: await discover(api, *one) for one in sorted(wanted)}
    return applying.labelled(lambda version, kind: kinds[version, kind], objects)


async def _apply(api: KubeClient, hive: Hive, namespace: str, *, force: bool) -> Counter[str]:
    parts = await _parts(api)
    done = await applying.apply(api, parts, Made(hive.made_file), force=force)
    await applying.established(api, parts)
    if namespace:
        place = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        # Not noted as made: what people put there is not the hive's to take away.
        await api.apply(NAMESPACE, place, field_manager=applying.MANAGER, force=force)
    return done


async def _contents(api: KubeClient, made: Made) -> dict[str, int]:
    ours = [kind for kind in KINDS if f"customresourcedefinitions//{kind.plural}.kgents.io" in made.uids]
    found = {}
    for kind in ours:
        try:
            found[kind.plural] = len((await api.list(kind))["items"])
        except ObjectNotFound:
            continue
    return {plural: count for plural, count in found.items() if count}


async def _clear(api: KubeClient, made: Made) -> Counter[str]:
    # Kubernetes' garbage collector cannot ask after owners whose kind is gone: agents go first, with all they own.
    for kind in KINDS:
        if kind.plural in await _contents(api, made):
            for obj in (await api.list(kind))["items"]:
                metadata = obj["metadata"]
                await api.delete(
                    kind, metadata["name"], metadata["namespace"], propagation="Foreground", missing_ok=True
                )
    while await _contents(api, made):
        await asyncio.sleep(0.2)
    return await applying.remove(api, await _parts(api), made)


def _run(config: ClusterConfig, work: Callable[[KubeClient], Coroutine[Any, Any, T]], timeout: float) -> T:
    async def limited() -> T:
        async with asyncio.timeout(timeout), KubeClient(config, timeout=PATIENCE, user_agent="kgents-infra") as api:
            return await work(api)

    try:
        return asyncio.run(limited())
    except TimeoutError as error:
        raise Unreachable(
            f"The cluster of {config.context} did not get it done within {timeout:.0f} s", fix="Try again: it goes on"
        ) from error


def _config(context: str) -> ClusterConfig:
    try:
        return kube_config.load(context)
    except NotFound as error:
        known = ", ".join(kube_config.contexts()) or "none at all"
        raise UsageError(
            f"Your kubeconfig has no usable context “{context[:80]}”", why=error.why, fix=f"There is: {known}"
        ) from error


def _config_of(hive: Hive) -> ClusterConfig:
    config = kube_config.load(hive.context, env={**os.environ, "KUBECONFIG": hive.kubeconfigs})
    if config.server != hive.server:
        raise _elsewhere(hive, config.server)
    return config


def _known(config: ClusterConfig, name: str) -> Hive | None:
    """The hive of that context, when there is one. Raises KgentsError for one that it cannot be."""
    found = hives.of_context(config.context)
    if found is None:
        return None
    if found.cluster is None and found.server == config.server:
        raise UsageError(
            f"{config.context} is the embedded hive “{found.name}”", fix=f"kgents infra init --name {found.name}"
        )
    if found.cluster is None:
        return None
    if name and name != found.name:
        raise UsageError(f"The hive in {config.context} is “{found.name}” already", fix="Leave out --name")
    if found.server != config.server:
        raise _elsewhere(found, config.server)
    return found


def _elsewhere(hive: Hive, server: str) -> KgentsError:
    return KgentsError(
        f"The context {hive.context} leads to another cluster than when the hive “{hive.name}” was made",
        why=f"to {server}, not to {hive.server}",
        fix=f"Forget the old one: kgents infra delete --name {hive.name} --keep-cluster",
    )


def _free_name(name: str, given: str) -> str:
    if hives.check_name(name) in hives.known():
        raise UsageError(
            f"There is a hive “{name}” already, and it lives elsewhere",
            fix="Choose another --name" if given else "Give this one a --name",
        )
    return name


def _cluster(config: ClusterConfig) -> Cluster:
    files = [path.absolute() for path in kubeconfigs.paths(None, os.environ)]
    return Cluster(config.context, config.server, tuple(str(path) for path in files if path.exists()))


def _end_loose_cortex(hive: Hive) -> None:
    """One that a command has started would keep the supervised one out."""
    from kgents.glass import daemon
    from kgents.glass.context import Target

    daemon.end(Target(hive.context, hive.server))


def _told(done: Counter[str]) -> str:
    if set(done) <= {"unchanged"}:
        return "unchanged" if done else "nothing was left"
    return ", ".join(f"{count} {what}" for what, count in done.items())
