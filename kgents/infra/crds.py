"""The kinds of one hive, asked by context: `kgents infra crd`."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from kgents.api.errors import Unreachable
from kgents.infra import hive as hives
from kgents.infra import kinds, manifests
from kgents.infra.applying import Made
from kgents.kube import config
from kgents.kube.client import KubeClient

T = TypeVar("T")
PATIENCE = 60.0
"""Seconds for all of it."""


def rows(context: str | None) -> list[dict[str, Any]]:
    """One for each kind: name, state, versions, stored (versions), objects, established."""

    async def ask(api: KubeClient) -> list[dict[str, Any]]:
        counts = await kinds.counts(api)
        return [_row(step, counts.get(step.name)) for step in await kinds.steps(api, manifests.crds())]

    return _run(context, ask)


def difference(context: str | None) -> tuple[str, list[str]]:
    """A unified diff of what is there and what would be, as YAML; and what of it would be taken away."""
    steps = _run(context, lambda api: kinds.steps(api, manifests.crds()))
    return "".join(map(_diff, steps)), [f"{step.name}: {line}" for step in steps for line in step.breaks]


def apply(context: str | None, *, force: bool, force_conflicts: bool) -> dict[str, int]:
    """How many were created, changed and unchanged. Raises Refused when stored objects may not fit the new kinds."""
    hive = hives.of_context(config.load(context).context)
    made = Made(hive.made_file) if hive is not None and hive.cluster is not None else None
    return _run(context, lambda api: kinds.apply(api, made, force=force, force_conflicts=force_conflicts))


def _run(context: str | None, work: Callable[[KubeClient], Awaitable[T]]) -> T:
    cluster = config.load(context)

    async def limited() -> T:
        async with asyncio.timeout(PATIENCE), KubeClient(cluster, user_agent="kgents-infra") as api:
            return await work(api)

    try:
        return asyncio.run(limited())
    except TimeoutError as error:
        raise Unreachable(f"{cluster.context} did not answer within {PATIENCE:.0f} s", fix="Try again") from error


def _row(step: kinds.Step, objects: int | None) -> dict[str, Any]:
    there = step.there or {}
    status = there.get("status") or {}
    conditions = {one["type"]: one["status"] for one in status.get("conditions") or ()}
    return {
        "name": step.name,
        "state": step.state,
        "versions": [version["name"] for version in step.wanted["spec"]["versions"] if version["served"]],
        "stored": status.get("storedVersions") or [],
        "objects": objects,
        "established": conditions.get("Established") == "True",
        "breaks": step.breaks,
    }


def _diff(step: kinds.Step) -> str:
    import yaml

    def lines(crd: dict[str, Any] | None) -> list[str]:
        text = yaml.safe_dump(crd["spec"], allow_unicode=True, width=120) if crd else ""
        return text.splitlines(keepends=True)

    return "".join(
        difflib.unified_diff(lines(step.there), lines(step.wanted), f"there/{step.name}", f"new/{step.name}")
    )
