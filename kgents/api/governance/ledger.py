"""What velocity and cumulation are reckoned from: who asked lately, and what was merged where.

It is kept apart from the proposals, so that nobody gets rid of his past by deleting them, and it is bounded: beyond the
entries that can still change a score nothing is kept, however many proposals are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kgents.api.governance.envelope import MERGES_PER_HOUR
from kgents.api.governance.risk import DAY, HOUR

KEPT_PER_PROPOSER = 64
"""Velocity is at its bound long before."""
KEPT_PER_TARGET = 128


Entry = tuple[float, str, float]
"""When (seconds since 1970), which proposal (its uid), and the base that was merged (0 where none was)."""


@dataclass
class Ledger:
    """Entries by proposer, and those of merges by target."""

    scored: dict[str, list[Entry]] = field(default_factory=dict)
    envelope: dict[str, list[Entry]] = field(default_factory=dict)
    merged: dict[str, list[Entry]] = field(default_factory=dict)

    def scored_last_hour(self, proposer: str, uid: str, now: float) -> int:
        """How many other proposals of this proposer were scored in the last hour."""
        return sum(1 for time, other, _ in self.scored.get(proposer, ()) if other != uid and time > now - HOUR)

    def envelope_is_used_up(self, proposer: str, uid: str, now: float) -> bool:
        """Whether so many of his changes have merged by themselves in the last hour that this one is scored."""
        recent = sum(1 for time, other, _ in self.envelope.get(proposer, ()) if other != uid and time > now - HOUR)
        return recent >= MERGES_PER_HOUR

    def merged_last_day(self, target: str, uid: str, now: float) -> float:
        """The sum of the bases merged for this target in the last 24 hours, this proposal's own left out."""
        return sum(base for time, other, base in self.merged.get(target, ()) if other != uid and time > now - DAY)

    def note_scored(self, proposer: str, uid: str, now: float) -> None:
        _note(self.scored, proposer, (now, uid, 0.0), KEPT_PER_PROPOSER)

    def note_envelope(self, proposer: str, uid: str, now: float) -> None:
        _note(self.envelope, proposer, (now, uid, 0.0), KEPT_PER_PROPOSER)

    def note_merged(self, target: str, uid: str, base: float, now: float) -> None:
        _note(self.merged, target, (now, uid, base), KEPT_PER_TARGET)

    def forget(self, now: float) -> None:
        """Drop what is too old to count."""
        for entries, age in ((self.scored, HOUR), (self.envelope, HOUR), (self.merged, DAY)):
            for key in list(entries):
                entries[key] = [entry for entry in entries[key] if entry[0] > now - age]
                if not entries[key]:
                    del entries[key]

    def to_json(self) -> dict[str, Any]:
        return {"scored": self.scored, "envelope": self.envelope, "merged": self.merged}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Ledger:
        def entries(name: str) -> dict[str, list[Entry]]:
            written = (kept.get(name) or {}).items()
            return {key: [(float(time), str(uid), float(base)) for time, uid, base in found] for key, found in written}

        return cls(entries("scored"), entries("envelope"), entries("merged"))


def _note(entries: dict[str, list[Entry]], key: str, entry: Entry, most: int) -> None:
    """Once per proposal, however often it is told: what is repeated after a crash counts once."""
    found = entries.setdefault(key, [])
    if all(one[1] != entry[1] for one in found):
        found.append(entry)
        del found[:-most]
