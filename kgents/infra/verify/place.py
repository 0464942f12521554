"""The hive that is looked at: its API, what this machine keeps of it, and the commands that mend it."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass

from kgents.api.errors import KgentsError, NotFound
from kgents.infra import hive as hives
from kgents.infra.hive import Hive
from kgents.kube import config as kube_config
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig


@dataclass(frozen=True, slots=True)
class Place:
    """`hive` is None where this machine knows of none behind the context: then the cluster alone is asked."""

    config: ClusterConfig
    api: KubeClient
    hive: Hive | None
    image: str = ""
    """What a canary runs in a cluster; "" for the usual."""
    patience: float = 180.0
    """Seconds for all checks together."""

    @property
    def embedded(self) -> bool:
        return self.hive is not None and self.hive.cluster is None

    @property
    def kept_here(self) -> bool:
        """Whether a supervisor of this machine keeps its processes."""
        return self.hive is not None and not self.hive.deployed

    @property
    def at(self) -> str:
        """The option that names it for the commands of `infra`."""
        return f"--name {self.hive.name}" if self.hive else f"--context {self.config.context}"

    @property
    def kubectl(self) -> str:
        return f"kubectl --context {self.config.context}"

    @property
    def init(self) -> str:
        """What makes again all that a hive is made of."""
        if self.hive is not None and self.hive.cluster is None:
            return f"kgents infra init --name {self.hive.name}" + (" --api-only" if self.hive.api_only else "")
        deployed = self.hive is None or self.hive.deployed
        return f"kgents infra init --context {self.config.context}" + (" --in-cluster" if deployed else "")

    @property
    def look(self) -> str:
        """Where to look when nothing better is known."""
        return self.logs()

    def logs(self, process: str = "") -> str:
        if self.kept_here:
            return f"kgents infra logs {process + ' ' if process else ''}{self.at}"
        if process in ("operators", "cortex"):
            return f"{self.kubectl} -n kgents-system logs deploy/kgents-{process}"
        return f"{self.kubectl} -n kgents-system get pods,events"


def find(name: str, context: str | None) -> tuple[ClusterConfig, Hive | None]:
    """By the hive's name: with the hive's own files; else as your kubeconfig leads there. Raises KgentsError."""
    if name:
        hive = hives.load(name)
        return _own(hive), hive
    try:
        config = kube_config.load(context)
    except KgentsError:
        if context or hives.DEFAULT_HIVE not in hives.known():
            raise
        usual = hives.load(hives.DEFAULT_HIVE)
        return _own(usual), usual
    known = hives.of_context(config.context)
    return config, known if known is not None and known.server == config.server else _behind(config.server)


def _behind(server: str) -> Hive | None:
    """The hive that a context of another name leads to."""
    for name in hives.known():
        with contextlib.suppress(KgentsError):  # a damaged one is told to who asks for it by its name
            hive = hives.load(name)
            if hive.server == server:
                return hive
    return None


def _own(hive: Hive) -> ClusterConfig:
    try:
        return kube_config.load(hive.context, env={**os.environ, "KUBECONFIG": hive.kubeconfigs})
    except NotFound as error:
        raise NotFound(
            f"The hive “{hive.name}” has lost its context {hive.context}",
            why=error.what,
            fix=f"Mend {hive.kubeconfigs}, or forget it: kgents infra delete --name {hive.name} --keep-cluster",
        ) from error
