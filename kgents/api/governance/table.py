"""What each kind of change adds to a proposal's risk: the one table, each row with its reason.

Data, not code: the docs show it as a table, and the protected ConfigMap `kgents-policy` in
the hive's namespace may set other weights (`risk.<row>: "0.3"`), but no other rows: what is not listed is `unlisted`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

POLICY_NAME = "kgents-policy"
MEDIUM = 0.3
"""From here on somebody has to look."""
HIGH = 0.7
"""From here on it is blocked until somebody lifts that with a reason."""
TTL = 24 * 3600.0
"""Seconds that a proposal waits for a decision where it does not say how long."""
LARGE = 100
"""Pods. Beyond, growth is looked at whatever its factor: who doubles once an hour is at a thousand by the evening."""


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of change: its weight from 0 to 1, what it is, and why it weighs that much."""

    id: str
    weight: float
    what: str
    why: str


ROWS = (
    Row("scale", 0.1, "scaled by a factor of at most 2", "easily undone, and its cost at most doubles"),
    Row("scale-beyond", 0.2, "scaled by more than a factor of 2", "its cost or its capacity changes out of proportion"),
    Row("scale-large", 0.3, f"grown to more than {LARGE} pods", "what that costs is not small, in however many steps"),
    Row("scale-to-zero", 0.4, "scaled to zero, or suspended", "nobody is left to do its work, or to say so"),
    Row("resources", 0.2, "resources up to twice as large", "it costs more, or starves its neighbours"),
    Row(
        "resources-beyond", 0.3, "resources more than twice as large, or without a bound", "as above, out of proportion"
    ),
    Row("environment", 0.25, "environment or config", "behaviour changes without a trace in the code"),
    Row("loader", 0.4, "a variable that loaders or interpreters read", "it chooses the code that runs"),
    Row("command", 0.4, "command, args, entrypoint or working directory", "it chooses the code that runs"),
    Row("volumes", 0.4, "volumes or mounts", "it chooses what the agent can read and write"),
    Row("image", 0.5, "image", "all of the code changes"),
    Row("umwelt-narrowed", 0.1, "umwelt narrowed", "the agent may do less than before"),
    Row("umwelt-widened", 0.5, "umwelt widened", "the agent may do more than before"),
    Row("delete", 0.7, "deletion", "what is gone must be made again, if anybody knows how"),
    Row("delete-memory", 0.8, "deletion of a memory", "what was remembered cannot be made again"),
    Row("law", 0.9, "policies, roles, definitions, or the hive's own namespace", "it changes what is allowed"),
    Row("unlisted", 0.7, "a field or kind that is not in this table", "nobody has thought about it yet"),
)


@dataclass(frozen=True, slots=True)
class Table:
    """The weights in force, and the bounds of velocity and cumulation (design: 0.1 each, at most 0.5; 0.05, 0.3)."""

    weights: Mapping[str, float] = field(default_factory=lambda: {row.id: row.weight for row in ROWS})
    velocity_each: float = 0.1
    velocity_max: float = 0.5
    cumulative_each: float = 0.05
    cumulative_max: float = 0.3


DEFAULT = Table()
_ROWS = {row.id: row for row in ROWS}


def row(id: str) -> Row:
    """The row of that id. Raises KeyError."""
    return _ROWS[id]


def read(data: Mapping[str, Any]) -> tuple[Table, list[str]]:
    """The table that a ConfigMap's `data` asks for, and a sentence for each of its entries that is not followed.

    An entry that cannot be read leaves the row as it is here: a slip of the pen must not open the gate.
    """
    weights, problems = dict(DEFAULT.weights), []
    for key, text in sorted(data.items()):
        if not key.startswith("risk."):
            continue
        id, weight = key.removeprefix("risk."), _weight(text)
        if id not in weights:
            problems.append(f"{key}: there is no such row; the rows are {', '.join(weights)}")
        elif weight is None:
            problems.append(f'{key}: "{str(text)[:40]}" is not a number from 0 to 1')
        else:
            weights[id] = weight
    return Table(weights), problems


def _weight(text: object) -> float | None:
    try:
        weight = float(text) if isinstance(text, str) else math.nan
    except ValueError:
        return None
    return weight if 0 <= weight <= 1 else None
