"""Gate: what policies and webhook add to a pheromone that an agent creates (budget: p99 10 ms added by T-gent).

The same request to the same hive, in turns: with nothing in its way, with the policies (CEL, in the API server), with
the policies and T-gent's webhook.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from benchmarks.accounts import Accounts, signal
from benchmarks.hives import hive_dir, home, run
from kgents.api.kinds import PHEROMONE, Kind
from kgents.kube.client import KubeClient
from kgents.kube.config import load

BINDINGS = Kind(
    "ValidatingAdmissionPolicyBinding",
    "validatingadmissionpolicybindings",
    "admissionregistration.k8s.io/v1",
    namespaced=False,
)
WEBHOOKS = Kind(
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
    "admissionregistration.k8s.io/v1",
    namespaced=False,
)
AGENTS = 20
"""So many take turns that none of them meets its rate limit."""
ROUNDS, EACH = 4, 250
SETTLE = 2.0
"""Seconds until the API server has surely taken up what was registered or taken away."""
Registered = list[tuple[Kind, dict[str, Any]]]


def main(_options: list[str]) -> None:
    with home() as env:
        run(env, "infra", "init")
        asyncio.run(_measure(load(path=hive_dir(env) / "kubeconfig")))


async def _measure(config: Any) -> None:
    async with KubeClient(config) as admin, Accounts(admin, AGENTS) as accounts:
        found = {
            kind.kind: [(kind, item) for item in (await admin.list(kind))["items"]] for kind in (BINDINGS, WEBHOOKS)
        }
        took: dict[str, list[float]] = {"nothing in its way": [], "policies": [], "policies and webhook": []}
        everything = found[BINDINGS.kind] + found[WEBHOOKS.kind]
        await _creates(accounts.clients, EACH)
        for _ in range(ROUNDS):
            await _take_away(admin, everything)
            took["nothing in its way"] += await _creates(accounts.clients, EACH)
            await _register(admin, found[BINDINGS.kind])
            took["policies"] += await _creates(accounts.clients, EACH)
            await _register(admin, found[WEBHOOKS.kind])
            took["policies and webhook"] += await _creates(accounts.clients, EACH)
    _tell(took)


async def _creates(clients: list[KubeClient], count: int) -> list[float]:
    """Seconds of each, one after the other."""
    took = []
    for number in range(count):
        body = signal(f"bot-{number % len(clients)}")
        begun = time.perf_counter()
        await clients[number % len(clients)].create(PHEROMONE, body)
        took.append(time.perf_counter() - begun)
    return took


async def _take_away(admin: KubeClient, what: Registered) -> None:
    for kind, item in what:
        await admin.delete(kind, item["metadata"]["name"])
    await asyncio.sleep(SETTLE)


async def _register(admin: KubeClient, what: Registered) -> None:
    for kind, item in what:
        metadata = {"name": item["metadata"]["name"]}
        await admin.create(
            kind, {key: value for key, value in item.items() if key != "status"} | {"metadata": metadata}
        )
    await asyncio.sleep(SETTLE)


def _tell(took: dict[str, list[float]]) -> None:
    bare = [0.0, 0.0]
    for label, seconds in took.items():
        late = sorted(one * 1000 for one in seconds)
        p50, p99 = (late[len(late) * part // 100] for part in (50, 99))
        if label == "nothing in its way":
            bare = [p50, p99]
            added = ""
        else:
            added = f"   added {p50 - bare[0]:6.2f} ms / {p99 - bare[1]:.2f} ms"
        print(f"{f'{label}, p50 / p99 of {len(late)}':44} {p50:8.2f} ms / {p99:.2f} ms{added}")
