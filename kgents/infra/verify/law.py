"""What holds the hive: its policies and their bindings, the permissions, the brakes, and what keeps programs apart."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from kgents.api.errors import KgentsError
from kgents.api.kinds import AGENT, CONFIG_MAP, GROUP, HIVE_NAMESPACE, Kind
from kgents.infra import isolated, manifests
from kgents.infra.bootstrap import discover
from kgents.infra.verify.check import Note
from kgents.infra.verify.place import Place
from kgents.infra.verify.shipped import differences, part
from kgents.kube.errors import ObjectNotFound

_REVIEW = Kind("SubjectAccessReview", "subjectaccessreviews", "authorization.k8s.io/v1", namespaced=False)
_POLICIES = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
_RIGHTS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
_WRITES = ("create", "update", "patch", "delete")
_MOST = 50
"""So many agents' accounts are asked after; one is as another as a rule."""
_GRANTED = re.compile(r'allowed by (ClusterRoleBinding|RoleBinding) "([^"]+)"')


async def policies(place: Place) -> str:
    count = await _as_shipped(place, _POLICIES)
    return f"the {count[_POLICIES[0]]} policies are as shipped, and bound"


async def permissions(place: Place) -> str:
    await _as_shipped(place, _RIGHTS)
    return "the operators and the merger may do what is shipped, no more and no less"


async def _as_shipped(place: Place, kinds: tuple[str, ...]) -> dict[str, int]:
    wanted = [obj for obj in manifests.foundation(shared=not place.embedded) if obj["kind"] in kinds]
    found = {(obj["apiVersion"], obj["kind"]) for obj in wanted}
    resources = {one: await discover(place.api, *one) for one in sorted(found)}
    answers = await asyncio.gather(*(_there(place, resources[obj["apiVersion"], obj["kind"]], obj) for obj in wanted))
    for obj, there in zip(wanted, answers, strict=True):
        kind, name = obj["kind"], obj["metadata"]["name"]
        if there is None:
            raise KgentsError(f"The {kind} {name} is missing", why=_meaning(obj), fix=place.init)
        if kind == "ServiceAccount":
            continue  # only that it is there counts: what it may do stands elsewhere
        if changed := list(differences(part(obj), part(there))):
            where = f" -n {obj['metadata']['namespace']}" if "namespace" in obj["metadata"] else ""
            raise KgentsError(
                f"The {kind} {name} was changed",
                why="; ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else ""),
                fix=f"{place.kubectl}{where} delete {kind.lower()} {name} && {place.init}",
            )
    return {kind: sum(obj["kind"] == kind for obj in wanted) for kind in kinds}


async def _there(place: Place, kind: Kind, obj: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return await place.api.get(kind, obj["metadata"]["name"], obj["metadata"].get("namespace"))
    except ObjectNotFound:
        return None


def _meaning(obj: dict[str, Any]) -> str:
    said = (obj["metadata"].get("annotations") or {}).get("kgents.io/description")
    if said:
        return f"without it this does not hold: {said}"
    return "without it the policy of that name does not hold" if obj["kind"] == _POLICIES[1] else "404"


async def agents_rights(place: Place) -> str:
    listed = (await place.api.list(AGENT, max_items=_MOST))["items"][:_MOST]
    accounts = {(obj["metadata"]["namespace"], obj["metadata"]["name"]) for obj in listed}
    accounts |= {(place.config.namespace, "default")}
    asked = [(*account, verb) for account in sorted(accounts) for verb in _WRITES]
    answers = await asyncio.gather(*(_allowed(place, *one) for one in asked))
    for (namespace, account, verb), (allowed, reason) in zip(asked, answers, strict=True):
        if allowed:
            granted = _GRANTED.search(reason)
            of = f" -n {namespace}" if granted and granted[1] == "RoleBinding" else ""
            name = granted[2].partition("/")[0] if granted else ""  # of a RoleBinding: NAME/NAMESPACE
            raise KgentsError(
                f"The account {namespace}/{account} may {verb} agents: agents should propose",
                why=reason or "the cluster's authorizer says so",
                fix=f"{place.kubectl}{of} delete {granted[1].lower()} {name}"
                if granted
                else f"{place.kubectl} auth can-i --list --as system:serviceaccount:{namespace}:{account}",
            )
    return f"agents may not write agents (asked for {len(accounts)})"


async def _allowed(place: Place, namespace: str, account: str, verb: str) -> tuple[bool, str]:
    spec = {
        "user": f"system:serviceaccount:{namespace}:{account}",
        "groups": ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"],
        "resourceAttributes": {"verb": verb, "group": GROUP, "resource": AGENT.plural, "namespace": namespace},
    }
    status = (await place.api.create(_REVIEW, {"spec": spec}))["status"]
    return bool(status.get("allowed")), str(status.get("reason") or "")


async def brakes(place: Place) -> str | Note:
    try:
        data = (await place.api.get(CONFIG_MAP, "kgents-freeze", HIVE_NAMESPACE)).get("data") or {}
    except ObjectNotFound as error:
        raise KgentsError("The ConfigMap kgents-freeze is missing", why="the brakes need it", fix=place.init) from error
    if data.get("frozen") == "true":
        return Note(f"the hive is frozen by {data.get('by', 'somebody')}: agents do not write", fix="kgents thaw")
    return "the hive is not frozen"


async def isolation(place: Place) -> str | Note:
    if place.hive is None or place.hive.cluster is not None:
        return "programs are kept apart as the cluster does it"
    if place.hive.api_only:
        return "no programs run here"
    told = await asyncio.to_thread(isolated.line, place.hive)
    return Note(told) if told.startswith("isolation: none") else told
