"""Whether the hive is frozen, where the API itself is asked: beside the question, so that nobody waits for it."""

from __future__ import annotations

import threading

from kgents.api.errors import KgentsError
from kgents.glass.answer import NextLayer, Row
from kgents.glass.ghost import BRAKES, Ghost
from kgents.glass.kubectl import Api

PATIENCE = 0.5
"""Seconds that are waited for it once the answer itself is there; then what is remembered counts."""


class Asked:
    """Asks at once, in a thread."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._row: Row | None = None
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def frozen(self, ghost: Ghost, now: float) -> dict[str, str] | None:
        """{"by", "reason", "since"} if it is, as far as can be known. What is news is remembered."""
        self._thread.join(PATIENCE)
        before = ghost.frozen(now)
        if self._row is None:
            return before
        from kgents.api.operations import brakes

        found = brakes.notice(self._row)
        if found != before:
            ghost.write_one(BRAKES, self._row, now=now)
        return found

    def _ask(self) -> None:
        from kgents.api.operations import brakes
        from kgents.api.operations.carrying import carry_out
        from kgents.api.operations.requests import Call

        try:
            [self._row] = carry_out(brakes.brakes(Call({}, {}, "", 0.0)), self._api.send)
        except (NextLayer, KgentsError):
            return  # who may not read it, or gets no answer, is told what is remembered
