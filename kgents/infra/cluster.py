"""A hive in a cluster that is not ours: made there by server-side apply, worked by processes here, and taken out again.

In the plain form nothing in the cluster calls back here: no webhook is registered, so that a laptop whose lid is closed
blocks nobody's writes. What CEL can say guards the hive, inside the API server. Deployed, the operators and Cortex run
in the cluster, with T-gent, and nothing of the hive has to run here.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from kgents.api.errors import KgentsError, NotFound, Unreachable, UsageError
from kgents.infra import hive as hives
from kgents.infra import installing, kubeconfig, revive
from kgents.infra.applying import Made
from kgents.infra.hive import Cluster, Hive
from kgents.infra.installing import Wish
from kgents.infra.manifests import Images
from kgents.kube import config as kube_config
from kgents.kube import kubeconfig as kubeconfigs
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig

Tell = Callable[[str], None]
T = TypeVar("T")

PATIENCE = 10.0
"""Seconds for one request."""


def init(
    context: str, name: str, tell: Tell, wish: Wish, *, kind: str = "", select: bool = True, timeout: float = 60.0
) -> Hive:
    """The hive in that context's cluster, made if need be: idempotent. Returns when its processes are started.

    `kind`: the name of the kind cluster that was made for it.
    """
    config = _config(context)
    hive = _known(config, name)
    if wish.images is None and hive is not None and hive.deployed:
        wish = wish._replace(images=Images.of())
    step = _Step(tell)
    version = _run(config, lambda api: installing.checked(api, wish), timeout)
    step.done(f"{context} ({config.server}) runs Kubernetes {version}, and you may do what is needed")
    if hive is None or hive.deployed != bool(wish.images):
        hive = _described(config, hive, name, kind=kind, deployed=bool(wish.images))
    done = _run(config, lambda api: installing.apply(api, hive, wish), timeout)
    step.done(f"kinds, permissions and the namespace of the hive: {_told(done)}")
    if wish.images is None:
        tell("no webhook is registered: CEL rules in the API server alone guard it, so this machine may sleep")
        _start_here(hive, tell)
    else:
        done = _run(config, lambda api: installing.deploy(api, hive, wish), timeout)
        step.done(f"operators and Cortex: {_told(done)}")
        if wish.wait:
            _run(config, lambda api: installing.come_up(api, wish, timeout), timeout + PATIENCE)
            step.done("the operators and Cortex are up")
    if select:
        path = kubeconfig.user_kubeconfig()
        kubeconfig.select(path, context, wish.namespace)
        tell(f"selected the context {context} in {path}")
    return hive


def _described(config: ClusterConfig, hive: Hive | None, name: str, *, kind: str, deployed: bool) -> Hive:
    if hive is not None:
        assert hive.cluster is not None
        if revive.is_supervised(hive):
            revive.stop_supervisor(hive)
        return hives.create_in(hive.cluster._replace(deployed=deployed), hive.name)
    cluster = _cluster(config)._replace(kind=kind, deployed=deployed)
    return hives.create_in(cluster, _free_name(name or hives.name_for(config.context), name))


def _start_here(hive: Hive, tell: Tell) -> None:
    if not revive.is_supervised(hive):
        _end_loose_cortex(hive)
        revive.start_supervisor(hive)
        tell("started Cortex and the operators on this machine")


class _Step:
    """Tells of a step when it is done, and how long it took."""

    def __init__(self, tell: Tell) -> None:
        self._tell, self._since = tell, time.monotonic()

    def done(self, what: str) -> None:
        now = time.monotonic()
        self._tell(f"{what} ({now - self._since:.1f} s)")
        self._since = now


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
    return _run(_config_of(hive), lambda api: installing.contents(api, Made(hive.made_file)), timeout)


def clear(hive: Hive, tell: Tell, timeout: float = 120.0) -> None:
    """Takes away from the cluster what `init` has made there, and nothing else."""
    done = _run(_config_of(hive), lambda api: installing.clear(api, Made(hive.made_file)), timeout)
    tell(f"took what it had made out of {hive.context}: {_told(done)}")


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
