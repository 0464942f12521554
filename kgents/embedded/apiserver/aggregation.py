"""ClusterRoles that gather the rules of others show what they gathered, as Kubernetes' own controller writes it down.

Decisions never wait for this: the authorizer joins the roles itself. What is written is for whoever reads a role.
"""

from __future__ import annotations

from kgents.embedded.apiserver import metadata
from kgents.embedded.apiserver.api import Api
from kgents.embedded.apiserver.calls import timestamp
from kgents.embedded.apiserver.registry import Resource
from kgents.embedded.apiserver.store.records import Record
from kgents.embedded.apiserver.store.store import Moved

MANAGER = "clusterrole-aggregation-controller"


async def settle(api: Api) -> None:
    """Writes the gathered rules into every aggregated role where they differ."""
    resource = api.registry.get("rbac.authorization.k8s.io", "v1", "clusterroles")
    collection = api.collection(resource)
    for name in [record.key[1] for record in collection.span(None)]:
        record = collection.get("", name)
        while record is not None and b'"aggregationRule"' in record.data:
            try:
                await _write(api, resource, record)
                break
            except Moved:
                api.authorizer.invalidate()
                record = collection.get("", name)


async def _write(api: Api, resource: Resource, record: Record) -> None:
    """Raises Moved if somebody else wrote the role meanwhile; his write is followed by a look of its own."""
    from kgents.embedded.patch.managed import track_update

    old, new = record.parse(), record.parse()
    rules = api.authorizer.rules_of_role("ClusterRole", "", record.key[1]) or ()
    gathered = [rule.to_dict() for rule in rules]
    if not old.get("aggregationRule") or gathered == (old.get("rules") or []):
        return
    new["rules"] = gathered
    track_update(old, new, resource.schema, manager=MANAGER, now=timestamp(), subresource="", reset=())
    await api.store.put(api.collection(resource), record.key, metadata.ordered(resource, new), record)
    api.authorizer.invalidate()
