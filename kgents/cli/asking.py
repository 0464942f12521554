"""Questions before what cannot be undone. Without a terminal there is nobody to ask, so --yes must say it."""

from __future__ import annotations

import sys

from kgents.api.errors import Refused, UsageError


def confirm(question: str, *, yes: bool) -> None:
    """Returns when the answer is yes. Raises Refused on a no, UsageError when nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question.rstrip('?')}: nobody can be asked here", fix="Give --yes")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Refused("Nothing was done", why="the answer was no")
