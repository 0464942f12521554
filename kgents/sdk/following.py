"""Signals as they come: a watch that goes on where it was, whatever happens to its connection."""

from __future__ import annotations

import contextlib
import json
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from kgents.api.errors import Unreachable
from kgents.api.kinds import PHEROMONE
from kgents.sdk.signals import Signal

if TYPE_CHECKING:
    from kgents.sdk.http import Api

WATCH_SECONDS = 60.0
"""A watch is asked for anew after that time: a dead connection that does not say so holds nobody up for longer."""
SLACK = 10.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


class Following:
    """An iterator over signals, each once: first those in the air, the strongest first, then each as it arrives.

    It ends after `seconds`, with `close()` (from any thread), and with the block of a `with`. The API server may go
    away and come back meanwhile; when it stays away for longer than the agent's `patience`, Unreachable is raised.
    """

    def __init__(
        self,
        api: Api,
        namespace: str,
        wanted: Callable[[Signal], bool],
        seconds: float | None = None,
        *,
        changed: bool = False,
    ) -> None:
        """`changed`: a signal that was seen is given again when its status changes, if it is wanted then."""
        self._api, self._namespace, self._wanted, self._changed = api, namespace, wanted, changed
        self._until = None if seconds is None else time.monotonic() + seconds
        self._closed = False
        self._ready: deque[Signal] = deque()
        self._seen: set[str] = set()
        self._version: str | None = None
        self._connection: Any = None
        self._response: Any = None
        self._pause, self._lost_at = FIRST_PAUSE, 0.0

    def __iter__(self) -> Following:
        return self

    def __enter__(self) -> Following:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self._drop()

    def __next__(self) -> Signal:
        """Waits for the next signal. Raises KgentsError when the API server refuses, or stays away."""
        while not self._closed:
            if self._ready:
                return self._ready.popleft()
            if self._left() <= 0:
                break
            self._go_on()
        self._drop()
        raise StopIteration

    def close(self) -> None:
        """Ends the iteration: also one that waits, in another thread."""
        import socket

        self._closed = True
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(OSError):  # It is closed already.
                # The plain socket's own: TLS would want to say goodbye through what another thread reads from.
                socket.socket.shutdown(connection.wire, socket.SHUT_RDWR)

    def _left(self) -> float:
        return float("inf") if self._until is None else self._until - time.monotonic()

    def _go_on(self) -> None:
        """One step: list, or open the watch, or read a line of it."""
        from kgents.kube.errors import Gone
        from kgents.sdk.connections import LOST

        try:
            if self._version is None:
                self._list()
            elif self._response is None:
                self._open()
            else:
                self._read()
        except Gone:
            self._begin_anew()
        except (*LOST, ValueError) as error:  # ValueError: a line that was broken off
            self._drop()
            if not self._closed:
                self._rest(error)

    def _list(self) -> None:
        items, self._version = self._api.list(PHEROMONE, self._namespace)
        found = [Signal(one) for one in items]
        fresh = [one for one in found if (self._changed or one.uid not in self._seen) and self._wanted(one)]
        self._ready.extend(sorted(fresh, key=lambda one: -one.intensity))
        self._seen = {one.uid for one in found}

    def _open(self) -> None:
        from kgents.sdk.http import path_of

        seconds = max(1, int(min(WATCH_SECONDS, self._left())))
        self._connection, self._response = self._api.open_stream(
            path_of(PHEROMONE, self._namespace),
            watch="true",
            allowWatchBookmarks="true",
            resourceVersion=self._version or "",
            timeoutSeconds=str(seconds),
        )
        self._lost_at = 0.0

    def _read(self) -> None:
        self._connection.wire.settimeout(min(WATCH_SECONDS + SLACK, max(0.01, self._left())))
        line = self._response.readline()
        if not line:
            raise ConnectionError("the watch has ended")  # In its time, or because the server goes.
        self._take(json.loads(line))
        self._pause = FIRST_PAUSE

    def _take(self, event: dict[str, Any]) -> None:
        obj = event.get("object") or {}
        if event.get("type") == "ERROR":
            self._begin_anew()
            return
        self._version = str(obj["metadata"]["resourceVersion"])
        uid = str(obj["metadata"].get("uid") or "")
        if event["type"] == "DELETED":
            self._seen.discard(uid)
        elif event["type"] in ("ADDED", "MODIFIED") and (self._changed or uid not in self._seen):
            self._seen.add(uid)
            signal = Signal(obj)
            if self._wanted(signal):
                self._ready.append(signal)

    def _begin_anew(self) -> None:
        """The version is too old to go on from: a list says what is there, and what of it is new."""
        self._version = None
        self._drop()

    def _rest(self, error: Exception) -> None:
        now = time.monotonic()
        self._lost_at = self._lost_at or now
        if now - self._lost_at > self._api.patience:
            raise Unreachable(
                f"the API server at {self._api.login.config.server} does not answer", why=str(error)
            ) from error
        time.sleep(max(0.0, min(self._pause, self._left())))
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _drop(self) -> None:
        response, connection = self._response, self._connection
        self._response = self._connection = None
        if response is not None:
            response.close()
        if connection is not None:
            connection.close()
