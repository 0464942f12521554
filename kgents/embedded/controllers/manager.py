"""All loops of a hive in one process, over shared mirrors."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from kgents.api.errors import Unreachable
from kgents.api.kinds import (
    CONFIG_MAP,
    CONTROLLER_REVISION,
    CRON_JOB,
    DAEMON_SET,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    ENDPOINTS,
    JOB,
    NAMESPACE,
    NODE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    REPLICA_SET,
    SERVICE,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
)
from kgents.embedded.controllers.accounts import ACCOUNT, ROOT_CA, NamespaceDefaults, certificate_of
from kgents.embedded.controllers.cache import Cache, by_label, by_selector
from kgents.embedded.controllers.cronjobs import CronJobs
from kgents.embedded.controllers.daemonsets import DaemonSets
from kgents.embedded.controllers.deployment import Deployments
from kgents.embedded.controllers.endpoints import ServiceEndpoints
from kgents.embedded.controllers.garbage import GarbageCollector
from kgents.embedded.controllers.jobs import Jobs, by_job
from kgents.embedded.controllers.metadata import MetadataClient
from kgents.embedded.controllers.monitors import Monitors
from kgents.embedded.controllers.namespaces import NamespaceDeletion
from kgents.embedded.controllers.replicaset import ReplicaSets
from kgents.embedded.controllers.statefulsets import StatefulSets
from kgents.embedded.controllers.volumes import Claims
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig
from kgents.kube.election import lead
from kgents.kube.queue import Controller

log = logging.getLogger(__name__)

USER_AGENT = "kgents-controllers"
LEASE_NAME = ("kube-system", "kube-controller-manager")
"""That of Kubernetes' own controller manager: beside it ours wait."""


async def run(config: ClusterConfig, stop: asyncio.Event) -> None:
    """Run every loop against `config` until `stop` is set. A server that is away is waited for.

    Only one runs them at a time (`election`); the others wait for their turn.
    """
    async with KubeClient(config, user_agent=USER_AGENT) as api:
        await lead(api, LEASE_NAME, lambda ended: _run(api, config, ended), stop)


async def _run(api: KubeClient, config: ClusterConfig, stop: asyncio.Event) -> None:
    async with contextlib.AsyncExitStack() as stack:
        metadata = MetadataClient(config, user_agent=USER_AGENT)
        stack.push_async_callback(metadata.close)
        caches, controllers = _build(api, certificate_of(config))
        collector = GarbageCollector(api)
        monitors = Monitors(metadata, collector, [cache.informer for cache in caches if cache.is_whole])
        for cache in caches:
            await cache.informer.start()
            stack.push_async_callback(cache.informer.stop)
        # A loop that decides on half a mirror would make what is already there.
        await _synced(caches, stop)
        if stop.is_set():
            return
        for controller in [*controllers, collector.controller]:
            await stack.enter_async_context(controller)
        log.info("%d control loops run", len(controllers) + 1)
        await monitors.run(stop)


def _build(api: KubeClient, certificate: str) -> tuple[list[Cache], list[Controller[Any]]]:
    deployments, replica_sets = Cache(api, DEPLOYMENT), Cache(api, REPLICA_SET)
    pods = Cache(api, POD, index=lambda pod: (*by_label(pod), *by_job(pod)))
    services = Cache(api, SERVICE, index=by_selector)
    jobs, cron_jobs = Cache(api, JOB), Cache(api, CRON_JOB)
    lists, parts = Cache(api, ENDPOINTS), Cache(api, ENDPOINT_SLICE)
    stateful, daemons = Cache(api, STATEFUL_SET), Cache(api, DAEMON_SET)
    revisions, nodes = Cache(api, CONTROLLER_REVISION), Cache(api, NODE)
    namespaces, claims = Cache(api, NAMESPACE), Cache(api, PERSISTENT_VOLUME_CLAIM)
    accounts = Cache(api, SERVICE_ACCOUNT, field_selector=f"metadata.name={ACCOUNT}")
    bundles = Cache(api, CONFIG_MAP, field_selector=f"metadata.name={ROOT_CA}")
    loops = (
        Deployments(api, deployments, replica_sets, pods),
        ReplicaSets(api, replica_sets, pods),
        Jobs(api, jobs, pods),
        CronJobs(api, cron_jobs, jobs),
        StatefulSets(api, stateful, pods, revisions, claims),
        DaemonSets(api, daemons, pods, revisions, nodes),
        ServiceEndpoints(api, services, pods, lists, parts),
        NamespaceDefaults(api, namespaces, accounts, bundles, certificate),
        NamespaceDeletion(api, namespaces),
        Claims(api, claims),
    )
    workloads = [deployments, replica_sets, stateful, daemons, revisions, jobs, cron_jobs]
    caches = [*workloads, nodes, pods, services, lists, parts, namespaces, claims, accounts, bundles]
    return caches, [loop.controller for loop in loops]


async def _synced(caches: list[Cache], stop: asyncio.Event) -> None:
    for cache in caches:
        while not cache.informer.synced.is_set() and not stop.is_set():
            try:
                await cache.informer.wait_synced(1.0)
            except Unreachable:
                log.debug("still waiting for %s", cache.kind.plural)
