"""Who the operators are in a cluster that a person's kubeconfig leads to: their own ServiceAccount, not that person.

So they have the least rights that they need, and the cluster's policies and audit log see who they are. The token is
short-lived and asked for in the person's name, whatever it takes to log in (certificates, exec plugins): nobody's
credentials are copied. It lies in a private file, from which the API client reads it as it is renewed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

from kgents.api.errors import KgentsError
from kgents.api.kinds import HIVE_NAMESPACE, SERVICE_ACCOUNT
from kgents.files import write_private
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig

log = logging.getLogger(__name__)

ACCOUNT = "kgents-operators"
LEASE = (HIVE_NAMESPACE, ACCOUNT)
"""Who holds it works; other machines of the same hive wait."""
LIFETIME = 3600
RENEW_AFTER = 0.5
"""Of a token's life: what is left of it is the time in which the person may log in again."""
RETRY = 30.0


@contextlib.asynccontextmanager
async def acting_as_operators(person: ClusterConfig, token_file: Path) -> AsyncIterator[ClusterConfig]:
    """The same cluster as the operators' account, for as long as this is open. Raises KgentsError when it cannot be."""
    async with KubeClient(person, user_agent="kgents-operators") as api:
        await _renew(api, token_file)
        keeping = asyncio.create_task(_keep(api, token_file), name="token")
        try:
            # Named one by one: nothing of who the person is may come along.
            yield ClusterConfig(
                context=person.context,
                server=person.server,
                namespace=HIVE_NAMESPACE,
                user=ACCOUNT,
                ca_file=person.ca_file,
                ca_data=person.ca_data,
                insecure=person.insecure,
                tls_server_name=person.tls_server_name,
                proxy_url=person.proxy_url,
                token_file=str(token_file),
            )
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            _remove(token_file)


async def _keep(api: KubeClient, token_file: Path) -> None:
    while True:
        await asyncio.sleep(LIFETIME * RENEW_AFTER)
        while True:
            try:
                await _renew(api, token_file)
                break
            except KgentsError as error:
                log.warning("the operators' token cannot be renewed: %s", error)
                await asyncio.sleep(RETRY)


async def _renew(api: KubeClient, token_file: Path) -> None:
    wanted = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": LIFETIME}}
    made = await api.create(SERVICE_ACCOUNT, wanted, HIVE_NAMESPACE, name=ACCOUNT, subresource="token")
    write_private(token_file, made["status"]["token"], durable=False)


def _remove(token_file: Path) -> None:
    token_file.unlink(missing_ok=True)
