"""kopf, kept thin: it watches Agents and Pheromones and hands what it sees to the world.

Only `on.event` handlers are used: kopf's other kinds put finalizers or annotations on users' objects. It logs in by
our own kubeconfig reader. kopf imports other clients of Kubernetes where they are installed, only to recognise their
model classes; nobody here has any, so the imports are answered with "not installed", which saves 20 to 50 MB.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from kgents.api.kinds import AGENT, GROUP, PHEROMONE, VERSION, Kind
from kgents.kube.config import ClusterConfig
from kgents.kube.credentials import Credentials
from operators.world import Key, World

_spared = {"kubernetes", "kubernetes_asyncio", "pykube"} - sys.modules.keys()
sys.modules.update(dict.fromkeys(_spared))  # type: ignore[arg-type]
import kopf  # noqa: E402

for _name in _spared:
    del sys.modules[_name]

log = logging.getLogger(__name__)

Audit = Callable[[Kind], None]


class Backoffs:
    """Pauses between tries at a server that is away. They never end: kopf gives up its watch when they do."""

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((0.1, 0.2, 0.5, 1.0, 2.0), itertools.repeat(3.0))


def registry(
    world: World, config: ClusterConfig, audit: Audit, loop: asyncio.AbstractEventLoop
) -> kopf.OperatorRegistry:
    """The handlers; what they see is put into the world in its own `loop`.

    `audit` is called for each object of a new list: whatever is not in it has gone unseen.
    """
    made = kopf.OperatorRegistry()
    credentials = Credentials(config)

    @kopf.on.login(registry=made)
    async def login(**_: Any) -> kopf.ConnectionInfo:
        return connection(config, await credentials.headers())

    @kopf.on.event(GROUP, VERSION, AGENT.plural, registry=made)
    async def agent_seen(event: Mapping[str, Any], **_: Any) -> None:
        loop.call_soon_threadsafe(_see, event, world.put_agent, world.drop_agent, lambda: audit(AGENT))

    @kopf.on.event(GROUP, VERSION, PHEROMONE.plural, registry=made)
    async def pheromone_seen(event: Mapping[str, Any], **_: Any) -> None:
        loop.call_soon_threadsafe(_see, event, world.put_pheromone, world.drop_pheromone, lambda: audit(PHEROMONE))

    return made


def _see(
    event: Mapping[str, Any],
    put: Callable[[Mapping[str, Any]], None],
    drop: Callable[[Key, str], None],
    listed: Callable[[], None],
) -> None:
    obj, metadata = event["object"], event["object"]["metadata"]
    if event["type"] == "DELETED":
        drop((metadata["namespace"], metadata["name"]), metadata["uid"])
        return
    put(dict(obj))
    if event["type"] is None:
        listed()


def connection(config: ClusterConfig, headers: Mapping[str, str]) -> kopf.ConnectionInfo:
    """The kubeconfig as kopf wants it."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return kopf.ConnectionInfo(
        server=config.server,
        ca_path=str(config.ca_file) if config.ca_file and not config.ca_data else None,
        ca_data=config.ca_data.decode() if config.ca_data else None,
        insecure=config.insecure,
        scheme=scheme or None,
        token=token or None,
        certificate_data=_pem(config.client_cert_file, config.client_cert_data),
        private_key_data=_pem(config.client_key_file, config.client_key_data),
        default_namespace=config.namespace,
        proxy_url=config.proxy_url,
    )


def settings() -> kopf.OperatorSettings:
    made = kopf.OperatorSettings()
    made.posting.enabled = False
    made.peering.standalone = True
    made.networking.error_backoffs = Backoffs()
    made.networking.connect_timeout = 5.0
    made.watching.connect_timeout = 5.0
    made.watching.server_timeout = 300
    made.watching.client_timeout = 330
    made.queueing.batch_window = 0.005
    made.queueing.idle_timeout = 0.5
    made.queueing.exit_timeout = 0.5
    return made


async def run(world: World, config: ClusterConfig, audit: Audit, stop: threading.Event) -> None:
    """kopf's operator, until `stop`.

    In a thread and a loop of its own: kopf takes the signals of the main thread for itself, and on its way out waits
    for and cancels every task of its loop.
    """
    for quiet in ("kopf.objects", "kopf.activities", "kopf._core.engines.activities", "kopf._core.reactor.running"):
        logging.getLogger(quiet).setLevel(logging.ERROR)
    handlers = registry(world, config, audit, asyncio.get_running_loop())

    def work() -> None:
        asyncio.run(
            kopf.operator(registry=handlers, settings=settings(), clusterwide=True, standalone=True, stop_flag=stop)
        )

    await asyncio.to_thread(work)


def _pem(path: str | None, data: bytes | None) -> str | None:
    if data is not None:
        return data.decode()
    return Path(path).read_text() if path else None
