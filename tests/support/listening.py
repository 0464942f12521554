"""Somebody who listens to the stream of a whole hive, in a thread, and what he has been told so far."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

from kgents.glass.stream import Heard

Key = tuple[str, str]


class Listener:
    """Use as a context manager. `rows` is what the changes add up to, by resource and (namespace, name)."""

    def __init__(self, stream: Callable[[Callable[[float], bool]], Iterator[Heard]]) -> None:
        self._stream = stream
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self.heard: list[Heard] = []
        self.rows: dict[str, dict[Key, dict[str, Any]]] = {"agents": {}, "pheromones": {}, "proposals": {}}
        self.broken: list[str] = []
        """Changes that do not fit what was told before: something was lost, or told twice."""

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join(30)

    @property
    def layer(self) -> str:
        """Which layer stood behind the last SYNCED; "" before the first."""
        return next((one.source.layer for one in reversed(self.heard) if one.type == "SYNCED"), "")

    def names(self, resource: str, namespace: str) -> set[str]:
        return {name for where, name in list(self.rows[resource]) if where == namespace}

    def items(self, resource: str) -> list[dict[str, Any]]:
        """The rows that were told of a resource, in order."""
        return [json.loads(one.item) for one in list(self.heard) if one.resource == resource]

    def tried(self) -> list[list[str]]:
        """Who did not answer and why, as it was last told."""
        layers = [json.loads(one.item)["tried"] for one in list(self.heard) if one.type == "LAYER"]
        return layers[-1] if layers else []

    def _listen(self) -> None:
        for one in self._stream(self._enough.wait):
            self._note(one)
            self.heard.append(one)
            if self._enough.is_set():
                return

    def _note(self, one: Heard) -> None:
        if one.resource not in self.rows:
            return
        row, rows = json.loads(one.item), self.rows[one.resource]
        key = (row["namespace"], row["name"])
        if (key in rows) != (one.type != "ADDED"):
            self.broken.append(f"{one.type} {one.resource} {key} from {one.source.layer}")
        if one.type == "DELETED":
            rows.pop(key, None)
        else:
            rows[key] = row
