"""A change that an agent has asked for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kgents.api.errors import KgentsError, Refused
from kgents.api.kinds import API_VERSION, PROPOSAL

if TYPE_CHECKING:
    from kgents.sdk.http import Api

ENDS = frozenset({"Merged", "Rejected", "Expired", "Superseded", "Failed", "RolledBack"})
FIRST_LOOK, LOOK_EVERY = 0.1, 2.0


class Proposal:
    """Its name, and what has become of it. To look again takes the affordance `self.deployment.manifest`.

    `phase` is one of Pending, Reviewing, Blocked, Approved, Merged, Rejected, Expired, Superseded, Failed, RolledBack;
    `risk` from 0 to 1, None until it has been assessed; `message` says why it is in that phase, "" before.
    """

    def __init__(self, api: Api, namespace: str, row: Mapping[str, Any]) -> None:
        self._api, self._namespace = api, namespace
        self.name = str(row["name"])
        self.phase = str(row.get("phase") or "Pending")
        self.risk: float | None = row.get("risk")
        self.message = ""

    def __repr__(self) -> str:
        return f"<Proposal {self.name} {self.phase}>"

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it; what is Merged may still be rolled back."""
        return self.phase in ENDS

    def as_cause(self) -> dict[str, Any]:
        """Itself as an entry of `causedBy`."""
        return {"object": {"apiVersion": API_VERSION, "kind": PROPOSAL.kind, "name": self.name}}

    def refresh(self) -> Proposal:
        """Looks again. Raises Refused without the affordance, NotFound when it is gone."""
        from kgents.api.operations.requests import Get

        try:
            found = self._api.send(Get(PROPOSAL, self.name, self._namespace))
        except Refused as error:
            fix = "Afford it self.deployment.manifest (umwelt.affordances)"
            raise Refused(f"{self.name} was made, but may not be looked at", why=str(error), fix=fix) from error
        status = found.get("status") or {}
        self.phase = str(status.get("phase") or "Pending")
        self.risk = (status.get("risk") or {}).get("total")
        told = [one for one in status.get("conditions") or () if one.get("type") == "Settled"]
        self.message = str(told[0].get("message") or "") if told else ""
        return self

    def wait(self, timeout: float = 300.0) -> str:
        """The phase in which it ends. Raises KgentsError when it has not after `timeout` seconds."""
        until = time.monotonic() + timeout
        pause = FIRST_LOOK
        while not self.refresh().ended:
            left = until - time.monotonic()
            if left <= 0:
                why = self.message or "somebody has to decide"
                raise KgentsError(f"{self.name} is still {self.phase} after {timeout:g} s", why=why)
            time.sleep(min(pause, left))
            pause = min(2 * pause, LOOK_EVERY)
        return self.phase
