"""What T-gent has seen: signals that may be named as causes though they have evaporated, and changes that failed."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kgents.api import times
from kgents.api.governance.risk import DAY
from operators.proposal.shelf import Object, phase_of, target_of
from operators.world import Key

SIGNALS_REMEMBERED = 50_000
WENT_WRONG = frozenset({"Failed", "Rejected", "RolledBack"})


@dataclass(frozen=True, slots=True)
class Sighting:
    """A signal as it was."""

    uid: str
    namespace: str
    name: str
    type: str
    initial: float


class Sightings:
    """Signals by uid, the latest ones, whether they are still there or not."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, Sighting] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, sighting: Sighting) -> None:
        self._seen[sighting.uid] = sighting
        self._seen.move_to_end(sighting.uid)
        while len(self._seen) > SIGNALS_REMEMBERED:
            self._seen.popitem(last=False)

    def get(self, uid: str) -> Sighting | None:
        return self._seen.get(uid)


class Population:
    """How many signals each source has in the air."""

    def __init__(self) -> None:
        self._sources: dict[Key, Key] = {}
        self._alive: Counter[Key] = Counter()

    def seen(self, key: Key, source: str | None) -> None:
        """The signal of that key is there, and `source` has emitted it; None: it is gone."""
        before = self._sources.pop(key, None)
        if before is not None:
            self._alive[before] -= 1
            if not self._alive[before]:
                del self._alive[before]
        if source is not None:
            self._sources[key] = (key[0], source)
            self._alive[key[0], source] += 1

    def of(self, agent: Key) -> int:
        return self._alive[agent]


def change_of(proposal: Mapping[str, Any]) -> str:
    """What a proposal asks for, as a digest: equal for the same change of the same target."""
    spec = proposal["spec"]
    asked = [target_of(dict(proposal)), spec.get("patch"), spec.get("delete") or False]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def failed_before(proposal: Mapping[str, Any], others: Iterable[Object], now: float) -> Object | None:
    """The latest proposal of the same proposer for the same change that went wrong within the last day."""
    wanted, proposer = change_of(proposal), proposal["spec"]["proposer"]
    for other in sorted(others, key=lambda one: str(one["metadata"]["creationTimestamp"]), reverse=True):
        made = times.parse(other["metadata"]["creationTimestamp"]) or 0.0
        same = other["spec"]["proposer"] == proposer and change_of(other) == wanted
        if same and phase_of(other) in WENT_WRONG and made > now - DAY:
            return other
    return None
