"""Signals as an agent senses them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kgents.api import pheromone, times
from kgents.api.kinds import API_VERSION, PHEROMONE


@dataclass(frozen=True, slots=True, repr=False)
class Signal:
    """One signal. `intensity` is that of the moment in which it is read; `obj` the whole object."""

    obj: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"<Signal {self.type} {self.intensity:.2f} from {self.source or 'somebody'}>"

    @property
    def name(self) -> str:
        return str(self.obj["metadata"]["name"])

    @property
    def uid(self) -> str:
        return str(self.obj["metadata"].get("uid") or "")

    @property
    def type(self) -> str:
        """One of kgents.api.pheromone.TYPES."""
        return str(self.obj["spec"].get("type") or "")

    @property
    def source(self) -> str:
        return str(self.obj["spec"].get("source") or "")

    @property
    def target(self) -> str:
        """The agent that it is meant for; "" for all."""
        return str(self.obj["spec"].get("target") or "")

    @property
    def payload(self) -> str:
        return str(self.obj["spec"].get("payload") or "")

    @property
    def intensity(self) -> float:
        """How strong it is now, from 0 (evaporated) to 1."""
        return pheromone.decay_of(self.obj).at(time.time())

    @property
    def claimable(self) -> bool:
        """Whether it is work, to be claimed by one agent."""
        return bool(self.obj["spec"].get("claimable"))

    @property
    def claimed_by(self) -> str:
        """Who has it, "" when it is free."""
        return str(self._status.get("claimedBy") or "")

    @property
    def has_lapsed(self) -> bool:
        """Whether the time of who has claimed it is over."""
        until = times.parse(self._status.get("claimedUntil"))
        return until is not None and until <= time.time()

    @property
    def done(self) -> bool:
        """Whether the work that it was is done; it is gone soon after."""
        return bool(self._status.get("doneAt"))

    @property
    def trace(self) -> str:
        """The trace that it belongs to, "" for none: that of its causes."""
        return next((str(one["trace"]) for one in self.obj["spec"].get("causedBy") or () if one.get("trace")), "")

    @property
    def _status(self) -> Mapping[str, Any]:
        return self.obj.get("status") or {}

    def as_cause(self) -> dict[str, Any]:
        """Itself as an entry of `causedBy`: causes evaporate, so what matters of it goes along."""
        made: dict[str, Any] = {
            "object": {"apiVersion": API_VERSION, "kind": PHEROMONE.kind, "name": self.name},
            "snapshot": {"type": self.type, "intensity": round(self.intensity, 4)},
        }
        if self.uid:
            made["uid"] = self.uid
        return made | ({"trace": self.trace} if self.trace else {})
