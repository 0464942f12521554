"""Writes into a policy's status what the type check of its expressions found."""

from __future__ import annotations

import asyncio
from typing import Any

from kgents.embedded.apiserver.api import Api
from kgents.embedded.apiserver.crd_cleanup import internal
from kgents.embedded.apiserver.errors import StatusError
from kgents.embedded.apiserver.update import change_object

Object = dict[str, Any]
GROUP = "admissionregistration.k8s.io"


async def settle(api: Api) -> None:
    """Checks every policy that changed since it was checked last."""
    resource = api.registry.get(GROUP, "v1", "validatingadmissionpolicies")
    for namespace, name in list(api.collection(resource).records):
        record = api.collection(resource).get(namespace, name)
        if record is not None and _outdated(policy := record.parse()):
            await _check(api, policy)


def _outdated(policy: Object) -> bool:
    return bool((policy.get("status") or {}).get("observedGeneration") != policy["metadata"].get("generation"))


async def _check(api: Api, policy: Object) -> None:
    from kgents.embedded.apiserver.policies.type_check import warnings

    found = await asyncio.to_thread(warnings, policy, api.registry)
    generation = policy["metadata"].get("generation")

    def told(current: Object) -> Object:
        if current["metadata"].get("generation") == generation:
            checking = {"expressionWarnings": found} if found else {}
            current["status"] = {**(current.get("status") or {}), "observedGeneration": generation}
            current["status"]["typeChecking"] = checking
        return current

    resource = api.registry.get(GROUP, "v1", "validatingadmissionpolicies")
    try:
        await change_object(internal(api, resource, "", policy["metadata"]["name"]), told, "status")
    except StatusError as error:
        # Deleted meanwhile.
        if error.code != 404:
            raise
