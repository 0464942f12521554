"""Where an answer came from and how old it is, in the words that every command uses."""

from __future__ import annotations

from collections.abc import Mapping

from kgents.glass.answer import Source


def dated(source: Source) -> str:
    """Where an answer came from, and how old it is: `cached 42 s ago [GHOST]`."""
    if source.layer != "ghost":
        return f"live [{source.layer.upper()}]"
    remark = {"fresh": "", "stale": ", stale", "old": ", OLD"}.get(source.staleness, "")
    return f"cached {spelled(source.age)} ago{remark} [GHOST]"


def frozen_line(frozen: Mapping[str, str]) -> str:
    """What every screen says while the hive is frozen."""
    since = f" since {frozen['since']}" if frozen.get("since") else ""
    reason = f": {' '.join(frozen['reason'].split())}" if frozen.get("reason") else ""
    line = f"✱ FROZEN by {frozen.get('by') or 'somebody'}{since}{reason} – no agent writes; kgents thaw ends it"
    return "".join(sign for sign in line if sign.isprintable())


def spelled(seconds: float) -> str:
    """An age in a sentence: `42 s`, `5 min`, `3 h`, `2 d`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"
