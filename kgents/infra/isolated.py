"""How well a hive's programs are kept from its keys and from each other, as its node has found out on this machine."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from kgents.infra.hive import Hive

_FILE = "isolation.json"
POLICIES = "NetworkPolicies are stored but not enforced"
_WORDS = {
    "landlock": "pods reach neither the hive's keys and store nor each other's files and processes",
    "uid": "pods run as users of their own",
    "none": "programs are not isolated from each other: run only what you would run by hand",
    "unknown": "its node has not tried yet what this machine allows",
}


def state(hive: Hive) -> dict[str, Any]:
    """{"programs": landlock|uid|none|unknown, "networkPolicies", …}: what the node last found, with its reasons.

    Of a hive in somebody's cluster both are the cluster's.
    """
    if hive.cluster is not None:
        return {"programs": "the cluster's", "networkPolicies": "the cluster's"}
    try:
        found = json.loads((hive.dir / _FILE).read_bytes())
        mode = str(found.pop("mode"))
    except (FileNotFoundError, ValueError, KeyError, AttributeError):
        found, mode = {}, "unknown"
    return {"programs": mode, "networkPolicies": "stored, not enforced", **found}


def line(hive: Hive) -> str:
    """The same in one line, "" for a hive that runs no programs here. A node that still starts is not waited for."""
    if hive.cluster is not None or hive.api_only:
        return ""
    found = state(hive)
    if found["programs"] == "unknown":
        found = _tried(hive)
    why = f" ({found['reason']})" if found.get("reason") else ""
    return f"isolation: {found['programs']} – {_WORDS.get(found['programs'], '')}{why}; {POLICIES}"


def _tried(hive: Hive) -> dict[str, Any]:
    from kgents.embedded.runtime import isolation

    means = asyncio.run(isolation.explore(hive.dir))
    told = means.told()
    return {"programs": told.pop("mode"), **told}
