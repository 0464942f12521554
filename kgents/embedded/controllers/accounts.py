"""What every namespace has from the start: the ServiceAccount `default` and the hive's certificate for its pods."""

from __future__ import annotations

from pathlib import Path

from kgents.api.errors import KgentsError
from kgents.api.kinds import CONFIG_MAP, SERVICE_ACCOUNT
from kgents.embedded.controllers.cache import Cache
from kgents.embedded.controllers.objects import is_deleting
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig
from kgents.kube.errors import AlreadyExists, Forbidden, ObjectNotFound
from kgents.kube.queue import Controller

ACCOUNT = "default"
ROOT_CA = "kube-root-ca.crt"
_ABOUT = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc."
)


class NamespaceDefaults:
    """Makes both in every namespace, and again when somebody removes or changes them."""

    def __init__(self, api: KubeClient, namespaces: Cache, accounts: Cache, bundles: Cache, certificate: str) -> None:
        self._api = api
        self._namespaces = namespaces
        self._accounts = accounts
        self._bundles = bundles
        self._certificate = certificate
        self.controller: Controller[str] = Controller("serviceaccount", self.reconcile)
        namespaces.informer.on_change(lambda _, obj: self.controller.enqueue(obj["metadata"]["name"]))
        for cache in (accounts, bundles):
            cache.informer.on_change(lambda _, obj: self.controller.enqueue(obj["metadata"]["namespace"]))

    async def reconcile(self, namespace: str) -> None:
        """Complete one namespace."""
        known = self._namespaces.get("", namespace)
        if known is None or is_deleting(known):
            return
        try:
            if self._accounts.get(namespace, ACCOUNT) is None:
                account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata(ACCOUNT, namespace)}
                self._accounts.note(await self._api.create(SERVICE_ACCOUNT, account))
        except AlreadyExists:
            self._accounts.note(await self._api.get(SERVICE_ACCOUNT, ACCOUNT, namespace))
        except (Forbidden, ObjectNotFound):
            if await self._is_going(namespace):
                return
            raise
        if self._certificate:
            await self._bundle(namespace)

    async def _is_going(self, namespace: str) -> bool:
        """Whether the refusal came from a namespace that is being deleted, unknown to the mirror so far."""
        try:
            live = await self._api.get(self._namespaces.kind, namespace)
        except ObjectNotFound:
            return True
        return is_deleting(live)

    async def _bundle(self, namespace: str) -> None:
        data = {"ca.crt": self._certificate}
        known = self._bundles.get(namespace, ROOT_CA)
        if known is not None:
            if known.get("data") != data:
                self._bundles.note(await self._api.patch(CONFIG_MAP, ROOT_CA, {"data": data}, namespace))
            return
        metadata = {**_metadata(ROOT_CA, namespace), "annotations": {"kubernetes.io/description": _ABOUT}}
        bundle = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        try:
            self._bundles.note(await self._api.create(CONFIG_MAP, bundle))
        except AlreadyExists:
            self._bundles.note(await self._api.get(CONFIG_MAP, ROOT_CA, namespace))


def certificate_of(config: ClusterConfig) -> str:
    """The authority that the API server's certificate is checked against, as PEM; empty when none is configured.

    Raises KgentsError when its file cannot be read.
    """
    if config.ca_data:
        return config.ca_data.decode()
    if not config.ca_file:
        return ""
    try:
        return Path(config.ca_file).read_text()
    except OSError as error:
        raise KgentsError(f"The certificate {config.ca_file} cannot be read", why=str(error)) from error


def _metadata(name: str, namespace: str) -> dict[str, object]:
    return {"name": name, "namespace": namespace}
