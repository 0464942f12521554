"""From changes to facts: what the journal keeps and the thought stream tells."""

from __future__ import annotations

from typing import Any

import orjson

from cortex.hub import Change
from cortex.journal import Journal
from cortex.mirror import Mirror
from kgents.api import redact, times

TOLD = frozenset({"agents", "pheromones", "proposals"})


class Witness:
    """Listens to the mirror, writes the journal, and publishes each fact to the same hub as resource `witness`."""

    def __init__(self, mirror: Mirror, journal: Journal) -> None:
        self._mirror, self._journal = mirror, journal
        self._phases: dict[tuple[str, str, str], str] = {}
        self._frozen = False
        mirror.informers["events"].on_change(self._event)
        mirror.hub.listeners.append(self.see)

    def see(self, change: Change) -> None:
        """Note what a change means to people; what they would not notice is left out."""
        if change.resource == "brakes":
            self._brake(change)
        if change.resource not in TOLD:
            return
        row = orjson.loads(change.row)
        if not self._mirror.informers[change.resource].synced.is_set():
            # What was there before this daemon did not happen now.
            self._phases[(change.resource, change.namespace, change.name)] = str(row.get("phase"))
            return
        if change.resource == "pheromones":
            self._signal(change, row)
        else:
            self._transition(change, row)

    def _signal(self, change: Change, row: dict[str, Any]) -> None:
        if change.type == "MODIFIED":
            return
        what = "emitted" if change.type == "ADDED" else "evaporated"
        picked = {key: row.get(key) for key in ("type", "source", "target", "intensity", "payload")}
        self._note("signal", change.namespace, change.name, what, picked)

    def _brake(self, change: Change) -> None:
        row = orjson.loads(change.row)
        before, self._frozen = self._frozen, bool(row["frozen"])
        if self._frozen != before:
            picked = {"by": row["by"], "reason": row["reason"]} if self._frozen else {}
            self._note("hive", change.namespace, change.name, "frozen" if self._frozen else "thawed", picked)

    def _transition(self, change: Change, row: dict[str, Any]) -> None:
        key = (change.resource, change.namespace, change.name)
        before = self._phases.get(key)
        phase = str(row.get("phase"))
        kind = change.resource[:-1]
        if change.type == "DELETED":
            self._phases.pop(key, None)
            self._note(kind, change.namespace, change.name, "deleted", {"phase": before})
        elif phase != before:
            self._phases[key] = phase
            self._note(
                kind, change.namespace, change.name, "phase", {"from": before, "to": phase, "reason": row.get("reason")}
            )

    def _event(self, event: str, obj: Any) -> None:
        if event == "DELETED" or not self._mirror.informers["events"].synced.is_set():
            return
        about = obj.get("involvedObject") or {}
        detail = {"kind": about.get("kind"), "reason": obj.get("reason"), "message": obj.get("message")}
        if (obj.get("count") or 1) > 1:
            detail["count"] = obj["count"]
        self._note(
            "event", str(about.get("namespace") or ""), str(about.get("name") or ""), str(obj.get("type")), detail
        )

    def _note(self, kind: str, namespace: str, name: str, what: str, detail: dict[str, Any]) -> None:
        now = self._mirror.now()
        fact = {"at": times.to_micro_text(now), "kind": kind, "namespace": namespace, "name": name, "what": what}
        line = self._journal.add(
            redact.redact({**fact, **{key: value for key, value in detail.items() if value is not None}})
        )
        self._mirror.hub.publish(Change("ADDED", "witness", namespace, name, line))
