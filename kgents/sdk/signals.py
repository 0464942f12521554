"""Signals as an agent senses them, and the work that some of them are."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from kgents.api import pheromone, times
from kgents.api.kinds import API_VERSION, PHEROMONE
from kgents.api.operations.requests import Patch

if TYPE_CHECKING:
    from kgents.sdk.http import Api


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
    def type(self) -> str:
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
    def claimed_by(self) -> str:
        """Who has it, "" when it is free."""
        return str((self.obj.get("status") or {}).get("claimedBy") or "")

    def as_cause(self) -> dict[str, Any]:
        """Itself as a cause of something: causes evaporate, so what matters of it goes along."""
        metadata = self.obj["metadata"]
        return {
            "object": {"apiVersion": API_VERSION, "kind": PHEROMONE.kind, "name": self.name},
            "uid": metadata["uid"],
            "snapshot": {"type": self.type, "intensity": round(self.intensity, 4)},
        }


class Work:
    """A signal that this agent has claimed: done when the block ends well, free again when it ends with an error.

    with me.claim("INTENT") as work:
        if work: handle(work.signal.payload)
    """

    def __init__(self, api: Api, namespace: str, signal: Signal | None) -> None:
        self._api, self._namespace = api, namespace
        self.signal = signal

    def __bool__(self) -> bool:
        """Whether there was any work."""
        return self.signal is not None

    def __enter__(self) -> Work:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.signal is None:
            return
        if error is None:
            self._write({"doneAt": times.to_text(time.time())})
        else:
            self._write({"claimedBy": None, "claimedAt": None, "claimedUntil": None})

    def renew(self, seconds: float) -> None:
        """Keep it for so many seconds from now, at most an hour."""
        if self.signal is not None:
            now = time.time()
            self._write({"claimedAt": times.to_text(now), "claimedUntil": times.to_text(now + seconds)})

    def _write(self, status: dict[str, Any]) -> None:
        assert self.signal is not None
        patch = {"status": status}
        self._api.send(Patch(PHEROMONE, self.signal.name, patch, self._namespace, subresource="status"))
