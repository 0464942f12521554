"""Following a new agent: each change of phase is told, and a failure comes with its reason and its last words."""

from __future__ import annotations

import time
from collections.abc import Callable

from kgents.api.errors import KgentsError, NotFound
from kgents.cli.columns import Row, printable
from kgents.cli.session import Session, tell
from kgents.glass.look import Freshness

_PAUSE = 0.1
_SETTLED = 0.5
"""Seconds that it must hold: without a probe a program is ready once started, though it may end in its imports."""
_LAST_WORDS = 10
_CRASHES = 2
"""After so many restarts it is plain that it does not run by itself."""


def follow_until_ready(
    session: Session,
    name: str,
    timeout: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Returns once all its replicas are ready and stay so for a moment.

    Raises KgentsError with the reason when it fails, or time is up.
    """
    end = clock() + timeout
    told, ready_since, restarts = "", None, 0
    while True:
        row = _look(session, name)
        said = _line(row)
        if said != told:
            told = said
            tell(said)
        now = clock()
        if not _is_ready(row):
            ready_since = None
        elif ready_since is None or row.get("restarts", 0) != restarts:
            ready_since, restarts = now, row.get("restarts", 0)
        elif now - ready_since >= _SETTLED:
            return
        if _has_failed(row):
            raise _failure(session, name, row, f"{name} does not run")
        if now >= end:
            raise _failure(session, name, row, f"{name} is not ready after {timeout:g} s")
        pause(_PAUSE)


def _look(session: Session, name: str) -> Row:
    try:
        return session.read("agents.get", Freshness(require_live=True), agent=name).rows()[0]
    except NotFound:
        return {"name": name, "phase": "Pending"}  # a mirror may be a moment behind the write


def _line(row: Row) -> str:
    reason = f": {printable(str(row['reason']))}" if row.get("reason") else ""
    return f"◎ {row.get('phase')} {row.get('readyReplicas', 0)}/{row.get('replicas', 1)}{reason}"


def _is_ready(row: Row) -> bool:
    wanted = row.get("replicas", 1)
    return row.get("phase") == "Running" and row.get("readyReplicas", 0) >= wanted


def _has_failed(row: Row) -> bool:
    return row.get("phase") in ("Failed", "Safemode", "Suspended") or row.get("restarts", 0) >= _CRASHES


def _failure(session: Session, name: str, row: Row, what: str) -> KgentsError:
    for line in _last_words(session, name):
        tell(f"  │ {printable(line)}")
    why = printable(str(row.get("reason") or f"it is {row.get('phase')}"))
    return KgentsError(what, why=why.rstrip("."), fix=f"See kgents logs {name}, or remove it: kgents delete {name}")


def _last_words(session: Session, name: str) -> list[str]:
    try:
        answer = session.read("agents.witness", Freshness(require_live=True), {"tail": _LAST_WORDS}, agent=name)
    except KgentsError as error:
        return [f"its log cannot be read: {error.what}"]
    return [str(row["line"]) for row in answer.rows()][-_LAST_WORDS:]
