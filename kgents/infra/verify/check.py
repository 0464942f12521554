"""What a check is, and how a table of them is gone through."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from kgents.api.errors import KgentsError
from kgents.infra.verify.place import Place
from kgents.kube.errors import Forbidden

OK, FAIL, NOTE, SKIPPED = "ok", "fail", "note", "skipped"


class Note(NamedTuple):
    """What is no failure, and worth knowing."""

    message: str
    fix: str = ""


class Check(NamedTuple):
    """`ask` says in words what is well, or a Note, or raises KgentsError with what is wrong, why and the fix.

    `needs` are the checks that must be well before this one is made; `limit` is in seconds.
    """

    name: str
    group: str
    words: str
    ask: Callable[[Place], Awaitable[str | Note]]
    needs: tuple[str, ...] = ()
    limit: float = 10.0


class Result(NamedTuple):
    """How a check went: `status` is ok, fail, note or skipped. All is one line of plain text each."""

    name: str
    group: str
    status: str
    message: str
    why: str
    fix: str
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        return self._asdict()


async def go_through(
    checks: Sequence[Check], place: Place, tell: Callable[[Result], None], timeout: float
) -> list[Result]:
    """Every check in turn; each result is told at once. `timeout` is in seconds, for all of them together."""
    latest = time.monotonic() + timeout
    done: dict[str, Result] = {}
    for check in checks:
        lacking = [name for name in check.needs if name in done and done[name].status in (FAIL, SKIPPED)]
        if lacking:
            result = _result(check, SKIPPED, f"{check.words}: not checked, for it needs {lacking[0]}")
        else:
            result = await _made(check, place, min(check.limit, latest - time.monotonic()))
        done[check.name] = result
        tell(result)
    return list(done.values())


async def _made(check: Check, place: Place, limit: float) -> Result:
    started = time.monotonic()
    if limit <= 0:
        return _result(check, FAIL, f"{check.words}: there was no time left", fix="Give it more: --timeout SECONDS")
    try:
        async with asyncio.timeout(limit):
            said = await check.ask(place)
    except Forbidden as error:
        fix = error.fix or "Ask who administers the cluster to run this command"
        return _result(check, FAIL, f"{check.words}: not known, for you lack a right", str(error), fix, since=started)
    except KgentsError as error:
        what = error.what if error.fix or error.why else f"{check.words}: no"
        why = error.why or ("" if what == error.what else error.what)
        return _result(check, FAIL, what, why, error.fix or place.look, since=started)
    except TimeoutError:
        why = f"no answer within {limit:.0f} s"
        return _result(check, FAIL, f"{check.words}: not known", why, place.look, since=started)
    if isinstance(said, Note):
        return _result(check, NOTE, said.message, fix=said.fix, since=started)
    return _result(check, OK, said, since=started)


def _result(
    check: Check, status: str, message: str, why: str = "", fix: str = "", *, since: float | None = None
) -> Result:
    seconds = 0.0 if since is None else round(time.monotonic() - since, 3)
    return Result(check.name, check.group, status, line(message), line(why), line(fix), seconds)


def line(text: str) -> str:
    """One line without control characters: much of what is told here was written by others."""
    return "".join(sign for sign in " ".join(text.split())[:600] if sign.isprintable())
