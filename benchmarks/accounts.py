"""ServiceAccounts as the agents of a hive have them: what they write is judged as an agent's."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import os
import time
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any

from kgents.api import times
from kgents.api.kinds import GROUP, PHEROMONE, ROLE, ROLE_BINDING, SERVICE_ACCOUNT
from kgents.kube.client import KubeClient

NAMESPACE = "default"


class Accounts:
    """`count` of them, each with a client of its own, as long as it is entered. They may write pheromones."""

    def __init__(self, admin: KubeClient, count: int) -> None:
        self._admin, self._count = admin, count
        self._stack = AsyncExitStack()
        self.clients: list[KubeClient] = []

    async def __aenter__(self) -> Accounts:
        rules = [{"apiGroups": [GROUP], "resources": ["pheromones"], "verbs": ["create", "get", "list"]}]
        await self._admin.apply(ROLE, {"metadata": {"name": "bench"}, "rules": rules}, NAMESPACE)
        everybody = {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:serviceaccounts"}
        role = {"kind": "Role", "apiGroup": "rbac.authorization.k8s.io", "name": "bench"}
        binding = {"metadata": {"name": "bench"}, "roleRef": role, "subjects": [everybody]}
        await self._admin.apply(ROLE_BINDING, binding, NAMESPACE)
        self.clients = await asyncio.gather(*(self._client(number) for number in range(self._count)))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _client(self, number: int) -> KubeClient:
        name = f"bot-{number}"
        await self._admin.apply(SERVICE_ACCOUNT, {"metadata": {"name": name}}, NAMESPACE)
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": 3600},
        }
        answer = await self._admin.create(SERVICE_ACCOUNT, request, NAMESPACE, name=name, subresource="token")
        own = dataclasses.replace(
            self._admin.config, token=answer["status"]["token"], client_cert_file=None, client_key_file=None
        )
        return await self._stack.enter_async_context(KubeClient(own))


_numbers = itertools.count()
_RUN = os.urandom(2).hex()


def signal(source: str, **spec: Any) -> dict[str, Any]:
    """A Pheromone of a new name."""
    now = times.to_micro_text(time.time())
    metadata = {"name": f"bench-{_RUN}-{next(_numbers)}", "namespace": NAMESPACE}
    whole = {"type": "STATE", "source": source, "payload": "a benchmark", "emittedAt": now, **spec}
    return {"apiVersion": PHEROMONE.api_version, "kind": PHEROMONE.kind, "metadata": metadata, "spec": whole}
