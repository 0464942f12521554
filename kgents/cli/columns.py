"""What the tables show: for each kind of row its columns, in the order in which people ask for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kgents.api import duration

Row = dict[str, Any]
Look = Literal["text", "number", "phase", "bar", "name", "quiet", "health", "type", "level"]
UNKNOWN = "–"
GONE = "gone"
"""Key of a row that has ended and is shown for a moment more."""


@dataclass(frozen=True, slots=True)
class Column:
    """`look` tells how a terminal shows it; `wide` columns come with -o wide, or, `if_any`, where a row has it."""

    title: str
    value: Callable[[Row], Any]
    look: Look = "text"
    wide: bool = False
    if_any: bool = False

    def text(self, row: Row) -> str:
        """The cell as plain text, on one line."""
        value = self.value(row)
        if value is None or value == "":
            return UNKNOWN
        if self.look == "bar":
            return f"{value:.2f}"
        return printable(str(value))


@dataclass(frozen=True, slots=True)
class Sheet:
    """The columns of one kind of row. `resource` is what `-o name` puts before the name; `noun` is for sentences."""

    resource: str
    noun: str
    columns: tuple[Column, ...]

    def chosen(self, *, wide: bool, everywhere: bool, rows: Sequence[Row] = ()) -> list[Column]:
        shown = [
            column
            for column in self.columns
            if wide or not column.wide or (column.if_any and any(column.value(row) for row in rows))
        ]
        return [NAMESPACE, *shown] if everywhere else shown


def key(name: str) -> Callable[[Row], Any]:
    return lambda row: row.get(name)


def age(name: str = "ageSeconds") -> Callable[[Row], str]:
    return lambda row: duration.age(row.get(name)) if row.get(name) is not None else UNKNOWN


def _ready(row: Row) -> str:
    return f"{row.get('readyReplicas', 0)}/{row.get('replicas', 0)}"


def _cell(row: Row) -> str | None:
    half_life = row.get("halfLifeSeconds")
    return duration.age(half_life) if isinstance(half_life, (int, float)) and math.isfinite(half_life) else None


def printable(text: str) -> str:
    """`text` on one line, without what would move the cursor or colour the terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()


NAMESPACE = Column("NAMESPACE", key("namespace"), "quiet")

AGENTS = Sheet(
    "agent.kgents.io",
    "agents",
    (
        Column("NAME", key("name"), "name"),
        Column("GENUS", key("genus"), "quiet"),
        Column("PHASE", key("phase"), "phase"),
        Column("READY", _ready, "number"),
        Column("RESTARTS", key("restarts"), "number"),
        Column("ACTIVITY", key("activity"), "bar"),
        Column("HEALTH", key("cognitiveHealth"), "health"),
        Column("AGE", age(), "number"),
        Column("IMAGE", key("image"), "quiet", wide=True),
        Column("REASON", key("reason"), "text", wide=True, if_any=True),
    ),
)

SIGNALS = Sheet(
    "pheromone.kgents.io",
    "signals",
    (
        Column("TYPE", key("type"), "type"),
        Column("INTENSITY", key("intensity"), "bar"),
        Column("SOURCE", key("source"), "name"),
        Column("TARGET", key("target"), "quiet"),
        Column("HALF-LIFE", _cell, "number"),
        Column("AGE", age(), "number"),
        Column("PAYLOAD", key("payload"), "text"),
        Column("CLAIMED BY", key("claimedBy"), "name", wide=True, if_any=True),
        Column("UNTIL", key("claimedUntil"), "quiet", wide=True, if_any=True),
        Column("NAME", key("name"), "quiet", wide=True),
        Column("EVAPORATES", key("evaporatesAt"), "quiet", wide=True),
    ),
)

PROPOSALS = Sheet(
    "proposal.kgents.io",
    "proposals",
    (
        Column("NAME", key("name"), "name"),
        Column("PHASE", key("phase"), "phase"),
        Column("TARGET", key("target")),
        Column("RISK", key("risk"), "number"),
        Column("LEVEL", key("level"), "level"),
        Column("PROPOSER", key("proposer"), "quiet"),
        Column("AGE", age(), "number"),
        Column("REASON", key("reason"), "text"),
        Column("DIGEST", key("diffDigest"), "quiet", wide=True),
    ),
)

AUDIT = Sheet(
    "proposal.kgents.io",
    "decided changes",
    (
        Column("SEQ", key("seq"), "number"),
        Column("AT", key("at"), "quiet"),
        Column("NAME", key("name"), "name"),
        Column("PHASE", key("phase"), "phase"),
        Column("TARGET", key("target")),
        Column("RISK", key("risk"), "number"),
        Column("PROPOSER", key("proposer"), "quiet"),
        Column("DECIDED BY", key("decidedBy"), "name"),
        Column("OUTCOME", key("outcome"), "text"),
        Column("CHANGE", lambda row: "; ".join(row.get("diff") or ()), "text", wide=True),
        Column("EVIDENCE", lambda row: "; ".join(row.get("evidence") or ()), "text", wide=True),
        Column("HASH", key("hash"), "quiet", wide=True),
    ),
)
