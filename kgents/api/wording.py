"""Causes and changes in few words, as rows, audits and trees of causes show them. Pure, and robust as rows are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_SCALED = re.compile(r"~ spec\.replicas: (\d+) → (\d+)")


def cause_text(cause: Mapping[str, Any]) -> str:
    """`SCARCITY 0.80 (Pheromone orders-x1): orders.log line 1182`."""
    named, snapshot = _part(cause, "object"), _part(cause, "snapshot")
    parts = [str(snapshot["type"])] if snapshot.get("type") else []
    strength = snapshot.get("intensity")
    if isinstance(strength, (int, float)):
        parts.append(f"{strength:.2f}")
    line = str(snapshot.get("line") or "")
    if named.get("kind") == "Pod" and line:
        parts.append(f"log of {named.get('name')}")
    elif named.get("name"):
        label = f"{named.get('kind')} {named['name']}"
        parts.append(f"({label})" if parts else label)
    text = " ".join(parts)
    return f"{text}: {line}" if text and line else text or line or "unknown"


def change_text(diff: str) -> str:
    """What a proposal's diff says: `scaled 2→3`, or its first line; "" where there is none."""
    lines = diff.splitlines()
    if not lines:
        return ""
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    scaled = _SCALED.fullmatch(lines[0])
    if scaled:
        return f"scaled {scaled[1]}→{scaled[2]}{more}"
    return f"{lines[0].removeprefix('~ ')}{more}"


def _part(obj: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = obj.get(key)
    return value if isinstance(value, Mapping) else {}
