"""What memory sidecars say of themselves, in the last line of their log that begins with "status ".

A log is what the operators can read wherever they run, with no address to reach and no token to hold; and nobody but
the sidecar writes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from kgents.api.errors import KgentsError
from kgents.kube.client import KubeClient
from operators.agent.sidecar import NAME

WORD = "status "
TAIL = 20
LINE_MOST = 64 << 10

Object = dict[str, Any]


async def read(api: KubeClient, pod: Mapping[str, Any]) -> Object | None:
    """The last status of a pod's memory; None while it has said none, or its log cannot be read."""
    metadata, found = pod["metadata"], None
    try:
        lines = api.logs(
            metadata["name"], metadata["namespace"], container=NAME, tail_lines=TAIL, limit_bytes=LINE_MOST
        )
        async for line in lines:
            found = parse(line) or found
    except KgentsError:
        return None
    return found


def parse(line: str) -> Object | None:
    """A line of the sidecar's log as {"usedBytes", "entries", "lastAccess", "embedding"?, "setAside"?}."""
    if not line.startswith(WORD):
        return None
    try:
        said = json.loads(line.removeprefix(WORD))
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or not all(_is_count(said.get(name)) for name in ("usedBytes", "entries")):
        return None
    access = said.get("lastAccess")
    return {**said, "lastAccess": access if isinstance(access, str) else None}


def together(said: Iterable[Object], *, shared: bool) -> Object | None:
    """One for all pods: of one file that they share, or of a file each."""
    all_of_them = list(said)
    if not all_of_them:
        return None
    join = max if shared else sum
    numbers = {name: join(one[name] for one in all_of_them) for name in ("usedBytes", "entries")}
    newest = max(all_of_them, key=lambda one: one["lastAccess"] or "")
    return {**newest, **numbers}


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
