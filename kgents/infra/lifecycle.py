"""The life of an embedded hive: init, start, stop, delete. Each step says what it does through `tell`."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

from kgents.api.errors import KgentsError
from kgents.infra import credentials, kubeconfig, revive
from kgents.infra import hive as hives
from kgents.infra.hive import Hive
from kgents.infra.home import hive_dir

Tell = Callable[[str], None]


def init(name: str, tell: Tell, *, api_only: bool = False, select: bool = True, timeout: float = 60.0) -> Hive:
    """A running hive of that name, made if need be: idempotent. Returns when its API serves the five kinds."""
    hive = _made(name, tell, api_only=api_only)
    if not revive.is_supervised(hive):
        revive.start_supervisor(hive)
        tell(f"started the API server at {hive.server}")
    _bootstrap(hive, timeout)
    tell("applied the kinds, the hive's namespace and its permissions")
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
    if hive.api_only != api_only:
        raise KgentsError(
            f"The hive “{name}” exists in another form",
            why="it runs the API server alone" if hive.api_only else "it runs whole, not the API server alone",
            fix=f"Delete it first: kgents infra delete --name {name}",
        )
    pki.ensure(hive.pki, [hive.address, hive.kubelet_address])
    credentials.ensure_tokens(hive)
    return hive


def _bootstrap(hive: Hive, timeout: float) -> None:
    from kgents.infra.bootstrap import bootstrap
    from kgents.kube import config

    asyncio.run(bootstrap(config.load(hive.context, path=hive.kubeconfig), timeout=timeout))


def start(name: str, tell: Tell) -> Hive:
    """Starts a hive that was stopped."""
    hive = hives.load(name)
    if revive.is_supervised(hive):
        tell(f"the hive “{name}” runs already")
        return hive
    revive.start_supervisor(hive)
    _bootstrap(hive, 60.0)
    tell(f"started the hive “{name}”")
    return hive


def stop(name: str, tell: Tell) -> Hive:
    """Ends the hive's processes, then its agents'. Nothing stored is lost."""
    from kgents.embedded.runtime.stopping import stop_pods

    hive = hives.load(name)
    ran = revive.stop_supervisor(hive)
    ended = stop_pods(hive.dir)
    tell(
        f"stopped the hive “{name}”" + (f" and {ended} containers" if ended else "") if ran or ended else "nothing ran"
    )
    return hive


def delete(name: str, tell: Tell) -> None:
    """Stops the hive and removes its folder, its ghost and its context."""
    stop(name, tell)
    hive_folder = hive_dir(name)
    kubeconfig.remove(kubeconfig.user_kubeconfig(), hives.CONTEXT_PREFIX + name)
    shutil.rmtree(hive_folder)
    tell(f"removed {hive_folder}")


def log_files(hive: Hive) -> list[Path]:
    """The logs of the hive's processes, by name."""
    return sorted(hive.log_dir.glob("*.log"))
