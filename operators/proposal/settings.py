"""What the protected ConfigMap `kgents-policy` sets for the operators; what it does not set is as here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kgents.api import duration
from kgents.api.governance import table
from kgents.api.governance.table import Table
from kgents.api.kinds import CONFIG_MAP, HIVE_NAMESPACE
from kgents.kube.client import KubeClient
from kgents.kube.errors import ObjectNotFound

BAKE = 60.0
"""Seconds for which an agent is watched after a merge."""
HISTORY = 100
"""Proposals of one proposer that are kept in a namespace after each kind of end."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`problems`: a sentence for each entry that is not followed."""

    table: Table = table.DEFAULT
    bake: float = BAKE
    history: int = HISTORY
    problems: tuple[str, ...] = ()


def read(data: Mapping[str, Any]) -> Settings:
    """The settings in a ConfigMap's data: `risk.ROW`, `bake` (a duration) and `history` (a number)."""
    weighed, problems = table.read(data)
    bake, history = duration.parse_or(data.get("bake"), BAKE), HISTORY
    if "history" in data:
        text = str(data["history"])
        if text.isdecimal():
            history = int(text)
        else:
            problems.append(f'history: "{text[:40]}" is not a number')
    return Settings(weighed, bake, history, tuple(problems))


async def load(api: KubeClient) -> Settings:
    try:
        found = await api.get(CONFIG_MAP, table.POLICY_NAME, HIVE_NAMESPACE)
    except ObjectNotFound:
        return Settings()
    return read(found.get("data") or {})
