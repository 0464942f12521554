"""The table: what is checked, in which order, and what each check needs."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from kgents.api.errors import KgentsError
from kgents.infra.verify import canary, law, reach, workers
from kgents.infra.verify.check import Check, Result, go_through
from kgents.infra.verify.place import Place, find
from kgents.kube.client import KubeClient

_IN = ("api", "credentials")
_HOME = (*_IN, "namespace")

CHECKS = (
    Check("api", "cluster", "the API server answers", reach.api_reachable),
    Check("credentials", "cluster", "the credentials are accepted", reach.credentials, ("api",)),
    Check("version", "cluster", "Kubernetes is new enough", reach.version, _IN),
    Check("kinds", "cluster", "the kinds are established", reach.crds, _IN, 20.0),
    Check("namespace", "cluster", "the hive's namespace is there", reach.namespace, _IN),
    Check("supervisor", "workers", "the supervisor runs", workers.supervisor),
    Check("operators", "workers", "the operators run", workers.operators, _IN),
    Check("lease", "workers", "operators lead", workers.lease, _HOME),
    Check("cortex", "workers", "Cortex answers", workers.cortex, _IN, 15.0),
    Check("webhook", "workers", "T-gent's webhook answers", workers.webhook, (*_IN, "kinds", "operators"), 15.0),
    Check("metrics", "workers", "metrics are served", workers.metrics, _IN),
    Check("policies", "law", "the policies are as shipped", law.policies, _IN),
    Check("permissions", "law", "the permissions are as shipped", law.permissions, _HOME),
    Check("agents-rights", "law", "agents may not write agents", law.agents_rights, (*_IN, "kinds")),
    Check("brakes", "law", "the hive is not frozen", law.brakes, _HOME),
    Check("isolation", "law", "programs are kept apart", law.isolation),
    Check(
        "canary",
        "life",
        "an agent becomes ready and reacts",
        canary.canary,
        (*_IN, "kinds", "namespace", "operators", "lease"),
        canary.LIMIT,
    ),
)


def verify(
    name: str, context: str | None, tell: Callable[[Result], None], *, with_canary: bool, image: str, timeout: float
) -> list[Result]:
    """Goes through the table. `timeout` is in seconds. Raises KgentsError when no hive can be made out to ask."""
    config, hive = find(name, context)
    alone = hive is not None and hive.api_only
    checks = [check for check in CHECKS if check.name != "canary" or (with_canary and not alone)]

    async def asked() -> list[Result]:
        task = asyncio.current_task()
        assert task is not None
        # Whoever ends this, the canary is taken away first.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        async with KubeClient(config, timeout=10.0, user_agent="kgents-verify") as api:
            return await go_through(checks, Place(config, api, hive, image, timeout), tell, timeout)

    try:
        return asyncio.run(asked())
    except asyncio.CancelledError as error:
        raise KgentsError("The checks were ended before their time", fix="Do it again: kgents infra verify") from error
