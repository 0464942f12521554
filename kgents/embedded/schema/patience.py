"""How long one object may be held against a schema's alternatives, so that a hostile pair of both holds no thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

MAX_CPU_SECONDS = 4.0
"""Processor time of the thread; the largest object that is taken against a few alternatives needs a quarter of it."""


class OutOfPatience(Exception):
    """The time is up: what is found so far is not all."""


class _Deadline(threading.local):
    at = float("inf")


_deadline = _Deadline()


@contextmanager
def patience(seconds: float | None = None) -> Iterator[None]:
    """Bounds the work inside, to MAX_CPU_SECONDS if nothing else is said."""
    _deadline.at = time.thread_time() + (MAX_CPU_SECONDS if seconds is None else seconds)
    try:
        yield
    finally:
        _deadline.at = float("inf")


def raise_if_late() -> None:
    """Raise OutOfPatience once the time of the work around is up."""
    if time.thread_time() > _deadline.at:
        raise OutOfPatience
