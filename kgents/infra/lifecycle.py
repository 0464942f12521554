"""The life of a hive: init of an embedded one, start, stop, delete. Each step says what it does through `tell`."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from kgents.api.errors import KgentsError, NotFound, UsageError
from kgents.infra import credentials, kubeconfig, pods, revive, stored, traces
from kgents.infra import hive as hives
from kgents.infra.hive import Hive

Tell = Callable[[str], None]


def init(name: str, tell: Tell, *, api_only: bool = False, select: bool = True, timeout: float = 60.0) -> Hive:
    """A running hive of that name, made if need be: idempotent. Returns when its API serves the five kinds."""
    hive = _made(name, tell, api_only=api_only)
    if not revive.is_supervised(hive):
        revive.start_supervisor(hive)
        tell(f"started the API server at {hive.server}")
    solo = _bootstrap(hive, timeout)
    tell("applied the kinds, the hive's namespace and its permissions")
    if solo:
        tell(f"{solo} alone may approve what he proposed himself (four eyes: take approver.solo out of kgents-policy)")
    _tell_of_store(hive, tell)
    if select:
        path = kubeconfig.user_kubeconfig()
        kubeconfig.merge(path, credentials.own_kubeconfig(hive))
        tell(f"selected the context {hive.context} in {path}")
    return hive


def _made(name: str, tell: Tell, *, api_only: bool) -> Hive:
    from kgents.embedded.auth import pki

    try:
        hive = hives.load(name)
    except KgentsError:
        if name in hives.known():
            raise
        hive = hives.create(name, api_only=api_only)
        tell(f"made the hive “{name}” in {hive.dir}")
    if hive.cluster is not None:
        raise KgentsError(
            f"The hive “{name}” lives in the cluster of the context {hive.context}",
            fix=f"kgents infra init --context {hive.context}, or choose another --name",
        )
    if hive.api_only != api_only:
        raise KgentsError(
            f"The hive “{name}” exists in another form",
            why="it runs the API server alone" if hive.api_only else "it runs whole, not the API server alone",
            fix=f"Delete it first: kgents infra delete --name {name}",
        )
    pki.ensure(hive.pki, [hive.address, hive.kubelet_address])
    credentials.ensure_tokens(hive)
    return hive


def _bootstrap(hive: Hive, timeout: float) -> str:
    from kgents.infra.bootstrap import bootstrap
    from kgents.kube import config

    cluster = config.load(hive.context, path=hive.kubeconfig)
    return asyncio.run(bootstrap(cluster, solo=credentials.ADMIN, timeout=timeout))


def _tell_of_store(hive: Hive, tell: Tell) -> None:
    if line := stored.trouble(hive):
        tell(line)


def start(name: str, tell: Tell) -> Hive:
    """Starts a hive that was stopped. An embedded one serves when this returns, and its node has seen to the agents."""
    hive = _kept_here(hives.load(name))
    if revive.is_supervised(hive):
        tell(f"the hive “{name}” runs already")
        return hive
    since = time.time()
    revive.start_supervisor(hive)
    if hive.cluster is not None:
        tell(f"started Cortex and the operators of the hive “{name}”")
        return hive
    _bootstrap(hive, 60.0)
    tell(f"started the hive “{name}”")
    _tell_of_store(hive, tell)
    if not hive.api_only and not _node_is_back(hive, since):
        tell("its node has not reported yet: kgents infra logs node")
    return hive


def _node_is_back(hive: Hive, since: float) -> bool:
    from kgents.infra.bootstrap import node_is_back
    from kgents.kube import config

    return asyncio.run(node_is_back(config.load(hive.context, path=hive.kubeconfig), hive.context, since))


def stop(name: str, tell: Tell) -> Hive:
    """Ends the hive's processes, then its agents'. Nothing stored is lost. Returns when all of them are gone."""
    return _stop(_kept_here(hives.load(name)), tell)


def _kept_here(hive: Hive) -> Hive:
    if hive.deployed:
        raise UsageError(
            f"The hive “{hive.name}” runs in {hive.context}: nothing of it is started or stopped here",
            fix="To hold its agents: kgents freeze. To take it out: kgents infra delete",
        )
    return hive


def _stop(hive: Hive, tell: Tell) -> Hive:
    if not hive.keeps_cortex:
        _stop_cortex(hive)
    if hive.deployed:
        return hive
    ran = revive.stop_supervisor(hive)
    if hive.cluster is not None:
        tell(f"stopped Cortex and the operators of “{hive.name}”; its agents run on" if ran else "nothing ran")
        return hive
    ended = pods.end_all(hive.dir)
    containers = f" and {ended} container{'s' * (ended != 1)}" if ended else ""
    tell(f"stopped the hive “{hive.name}”{containers}" if ran or ended else "nothing ran")
    return hive


def _stop_cortex(hive: Hive) -> None:
    """Ends the Cortex that a command has started: where the API server runs alone, no supervisor keeps one."""
    from kgents.glass import daemon
    from kgents.glass.context import Target

    daemon.stop(Target(hive.context, hive.server))


def delete(name: str, tell: Tell, *, keep_cluster: bool = False) -> None:
    """Stops the hive and removes its folder, what is remembered of it, and its context.

    One in a cluster takes out of there what it has made, unless `keep_cluster`, and leaves the user's context alone.
    """
    try:
        hive = hives.load(name)
    except NotFound:
        raise
    except KgentsError:
        hive = Hive(name, net=0)  # its file is damaged; to stop and remove it, its folder is enough
    _stop(hive, tell)
    if hive.cluster is None:
        kubeconfig.remove(kubeconfig.user_kubeconfig(), hive.context)
    elif hive.cluster.kind and not keep_cluster:
        from kgents.infra import kind

        kind.delete(hive.cluster.kind)
        tell(f"deleted the kind cluster {hive.cluster.kind}")
    elif not keep_cluster:
        from kgents.infra import cluster

        cluster.clear(hive, tell)
    traces.remove(hive.context, hive.server if hive.cluster else "")
    shutil.rmtree(hive.dir)
    tell(f"removed {hive.dir}")


def log_files(hive: Hive) -> list[Path]:
    """The logs of the hive's processes, by name."""
    return sorted(hive.log_dir.glob("*.log"))
