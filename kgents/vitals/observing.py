"""Work that may be watched: who does it says so, and knows nothing of those who measure. Standard library only.

Nobody watches unless a process was told to: then this costs one look at an empty list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

OK, ERROR, ENDED = "ok", "error", "ended"


@dataclass(slots=True)
class Work:
    """One piece of it. `what` and `name` are few and known (they label metrics); `about` may be anything."""

    what: str
    name: str
    about: Mapping[str, str] = field(default_factory=dict)
    outcome: str = OK
    """A word; whoever does the work may choose it, an exception makes it `error`, an end from outside `ended`."""


class Reading(NamedTuple):
    """A value that is read when somebody asks. `read` yields values by the value of `label`; "" is none."""

    name: str
    help: str
    label: str
    read: Callable[[], Iterable[tuple[str, float]]]


Watcher = Callable[[Work], AbstractContextManager[object]]
watchers: list[Watcher] = []
readings: dict[str, Reading] = {}


@contextmanager
def observed(what: str, name: str, **about: str) -> Iterator[Work]:
    """The time in which this work is done; what goes wrong in it is seen and goes on its way."""
    work = Work(what, name, about)
    if not watchers:
        yield work
        return
    with ExitStack() as stack:
        for watcher in watchers:
            stack.enter_context(watcher(work))
        try:
            yield work
        except Exception:
            work.outcome = ERROR
            raise
        except BaseException:
            work.outcome = ENDED
            raise


def offer(reading: Reading) -> None:
    """Lets `reading` be read from now on, in place of an earlier one of that name."""
    readings[reading.name] = reading
