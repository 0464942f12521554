"""A change that an agent has asked for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kgents.api.errors import KgentsError
from kgents.api.kinds import PROPOSAL
from kgents.api.operations.requests import Get

if TYPE_CHECKING:
    from kgents.sdk.http import Api

ENDS = frozenset({"Merged", "Rejected", "Expired", "Superseded", "Failed", "RolledBack"})
LOOK_EVERY = 0.5


class Proposal:
    """Its name, and what has become of it. To look takes the affordance `self.deployment.*.manifest`."""

    def __init__(self, api: Api, namespace: str, row: Mapping[str, Any]) -> None:
        self._api, self._namespace = api, namespace
        self.name = str(row["name"])
        self.phase = str(row.get("phase") or "Pending")
        self.risk: float | None = row.get("risk")

    def __repr__(self) -> str:
        return f"<Proposal {self.name} {self.phase}>"

    def refresh(self) -> Proposal:
        """Looks again."""
        found = self._api.send(Get(PROPOSAL, self.name, self._namespace))
        status = found.get("status") or {}
        self.phase = str(status.get("phase") or "Pending")
        self.risk = (status.get("risk") or {}).get("total")
        return self

    def wait(self, timeout: float = 300.0) -> str:
        """The phase in which it ends. Raises KgentsError when it has not after `timeout` seconds."""
        until = time.monotonic() + timeout
        while self.refresh().phase not in ENDS:
            if time.monotonic() >= until:
                raise KgentsError(f"{self.name} is still {self.phase} after {timeout:g} s")
            time.sleep(LOOK_EVERY)
        return self.phase
