"""What is behind a spot, in one or two lines: who said what to whom, when and why, and who reacts to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kgents.api import duration
from kgents.terrarium.draw import clean
from kgents.terrarium.heat.colours import Inks
from kgents.terrarium.heat.picture import BOLD, Piece
from kgents.terrarium.heat.scent import Scent

_NAMES = 4
"""More who react are counted, not named."""


def facts(scents: Sequence[Scent], ink: Inks) -> list[Piece]:
    """The first line. Of several signals the first is told, the others are counted."""
    scent = scents[0]
    more = len(scents) - 1
    pieces: list[Piece] = [
        (clean(scent.type) or "?", ink.hue(scent.type), BOLD),
        (f" {clean(scent.source) or 'somebody'} ", "text", 0),
        (f"→ {clean(scent.target) or 'all'}", "text" if scent.target else "quiet", 0),
        (f"  {scent.intensity:.2f}", "text", BOLD),
        (f"  {duration.age(scent.age)} old", "quiet", 0),
        (f", half in {duration.age(scent.half_life)}", "quiet", 0),
    ]
    if more:
        total = sum(one.intensity for one in scents)
        pieces.append((f"  and {more} more here, {total:.2f} in all", "quiet", 0))
    return pieces


def reasons(scents: Sequence[Scent], reactors: Mapping[str, Sequence[str]]) -> list[Piece]:
    """The second line: its payload, who reacts, what it was caused by."""
    scent = scents[0]
    names = [clean(name) for name in reactors.get(scent.type, ())]
    shown = ", ".join(names[:_NAMES]) + (f" and {len(names) - _NAMES} more" if len(names) > _NAMES else "")
    verb = "react" if len(names) > 1 else "reacts"
    pieces: list[Piece] = [(f"{shown} {verb}" if names else "nobody reacts", "text" if names else "quiet", 0)]
    if scent.payload:
        pieces.insert(0, (f"“{clean(scent.payload)}”  ", "text", 0))
    if scent.caused_by:
        pieces.append((f"  because of {', '.join(clean(cause) for cause in scent.caused_by)}", "quiet", 0))
    return pieces
