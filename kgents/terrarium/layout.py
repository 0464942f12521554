"""How high each pane of the main screen is. Pure: from the size of the terminal and how much there is to show."""

from __future__ import annotations

from typing import NamedTuple

SIDE_BY_SIDE = 100
"""Columns from which the heatmap stands beside the agents; below, it stands under them."""
ROOMY = 24
"""Rows from which the thought stream is more than one line."""
FRAME = 2


class Heights(NamedTuple):
    """Rows for each, borders included. `heat` 0: it stands beside the agents and is as high as they are."""

    agents: int
    heat: int
    proposals: int
    thoughts: int


def heights(width: int, height: int, agents: int, proposals: int) -> Heights:
    """For a body of `height` rows, without header and keys. The sum is `height` where it can be."""
    beside = width >= SIDE_BY_SIDE
    roomy = height + FRAME >= ROOMY
    thoughts = max(5, height // 5) if roomy else 1
    left = max(height - thoughts, 0)
    most = 8 if height >= 45 else 5 if height >= 30 else 3 if roomy else 1
    asked = min(max(proposals, 1), most) + FRAME
    left -= asked
    if beside:
        top = max(min(max(agents + FRAME + 1, 12), left - height // 8), height * 2 // 5) if roomy else left
        top = min(max(top, 0), max(left, 0))
        return Heights(top, 0, asked, thoughts + max(left - top, 0))
    heat = min(max(left * 2 // 5, 5), 14)
    above = max(left - heat, 3)
    wanted = max(agents + FRAME + 1, 6)
    spare = max(above - wanted, 0) if roomy else 0
    return Heights(above - spare, max(left - above, 0), asked, thoughts + spare)
