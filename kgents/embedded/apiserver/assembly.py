"""Puts the rooms of the server together, and the objects that every hive begins with into its store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kgents.embedded.apiserver import metadata
from kgents.embedded.apiserver.api import Api
from kgents.embedded.apiserver.calls import timestamp
from kgents.embedded.apiserver.crds import CustomResources
from kgents.embedded.apiserver.kinds import table
from kgents.embedded.apiserver.registry import Registry
from kgents.embedded.apiserver.store.opening import open_store
from kgents.embedded.apiserver.store.recovery import Salvage
from kgents.embedded.auth import bootstrap, pki
from kgents.embedded.auth.authenticate import Authenticator
from kgents.embedded.auth.authorize import Authorizer
from kgents.embedded.auth.reviews import Reviews
from kgents.embedded.auth.service_accounts import ServiceAccountTokens
from kgents.embedded.auth.tokens import ensure_tokens

Object = dict[str, Any]
NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
RBAC = "rbac.authorization.k8s.io"


def assemble(directory: Path, keys: pki.Pki, service_cidr: str) -> tuple[Api, CustomResources]:
    """The whole server but for its socket. Makes what is missing in the directory."""
    static = ensure_tokens(directory / "tokens.json")
    store, salvaged = open_store(directory / "store" / "hive.db")
    registry = Registry()
    for resource in (*table.core(), *table.groups()):
        registry.add(resource)

    def lookup(plural: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        record = store.collection(plural).get(namespace, name)
        return None if record is None else record.parse()

    def roles(plural: str) -> Iterable[Mapping[str, Any]]:
        return [record.parse() for record in store.collection(f"{plural}.{RBAC}").records.values()]

    accounts = ServiceAccountTokens(keys, lookup)
    authenticator = Authenticator(static, accounts)
    authorizer = Authorizer(roles)
    reviews = Reviews(authenticator, authorizer)
    api = Api(store, registry, keys, authenticator, authorizer, reviews, accounts, service_cidr, directory)
    api.salvage = salvaged
    custom = CustomResources(api)
    custom.start()
    return api, custom


async def plant(api: Api) -> None:
    """Creates the objects that every hive begins with, where they are missing."""
    import asyncio

    from kgents.embedded.apiserver import aggregation

    namespaces: list[Object] = [
        {
            "kind": "Namespace",
            "apiVersion": "v1",
            "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"},
        }
        for name in NAMESPACES
    ]
    wanted = [*namespaces, _service(api), *_priorities(), *bootstrap.objects()]
    if api.salvage is not None:
        wanted.append(_salvaged(api.salvage))
    await asyncio.gather(*(_plant_one(api, obj) for obj in wanted))
    api.authorizer.invalidate()
    await aggregation.settle(api)


def _service(api: Api) -> Object:
    """The server's own Service, whose name makes KUBERNETES_SERVICE_HOST."""
    ports = [{"name": "https", "protocol": "TCP", "port": api.port, "targetPort": api.port}]
    spec = {"type": "ClusterIP", "clusterIP": api.address, "clusterIPs": [api.address], "ports": ports}
    labels = {"component": "apiserver", "provider": "kubernetes"}
    return {
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": labels},
        "spec": {**spec, "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "sessionAffinity": "None"},
        "status": {"loadBalancer": {}},
    }


def _priorities() -> list[Object]:
    """The classes that every cluster has, for what must run before anything else."""
    only = "Used for system critical pods that must"
    classes = {
        "system-cluster-critical": (
            2_000_000_000,
            f"{only} run in the cluster, but can be moved to another node if necessary.",
        ),
        "system-node-critical": (2_000_001_000, f"{only} not be moved from their current node."),
    }
    return [
        {
            "kind": "PriorityClass",
            "apiVersion": "scheduling.k8s.io/v1",
            "metadata": {"name": name, "generation": 1},
            "value": value,
            "description": text,
            "preemptionPolicy": "PreemptLowerPriority",
        }
        for name, (value, text) in classes.items()
    ]


def _salvaged(done: Salvage) -> Object:
    """Tells everybody who looks at events that the store was broken."""
    meta = {"name": f"store-salvaged-{done.time.replace(':', '').lower()}", "namespace": "default"}
    return {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": meta,
        "involvedObject": {"kind": "Namespace", "apiVersion": "v1", "name": "default"},
        "type": "Warning",
        "reason": "StoreSalvaged",
        "message": done.line,
        "source": {"component": "apiserver"},
        "firstTimestamp": done.time,
        "lastTimestamp": done.time,
        "count": 1,
    }


async def _plant_one(api: Api, obj: Object) -> None:
    group, _, version = str(obj["apiVersion"]).rpartition("/")
    resource = next(one for one in api.registry if (one.group, one.version, one.kind) == (group, version, obj["kind"]))
    meta = obj["metadata"]
    collection = api.collection(resource)
    key = (meta.get("namespace", "") if resource.namespaced else "", meta["name"])
    present = collection.records.get(key)
    if present is not None and resource.group == RBAC:
        more = bootstrap.updated(present.parse(), obj)
        if more is not None:
            await api.store.put(collection, key, metadata.ordered(resource, more), present)
        return
    if present is not None and (resource.plural != "services" or present.parse()["spec"] == obj["spec"]):
        return
    meta.update({"uid": metadata.new_uid(), "creationTimestamp": timestamp()})
    await api.store.put(collection, key, metadata.ordered(resource, obj), present)
