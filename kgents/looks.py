"""How things look, once: each meaning has a tone and a glyph, whether a table or Terrarium shows it. No rendering here.

A tone never carries a meaning alone; a glyph or a word says it too. Both palettes are told apart by people who see
red, green or blue otherwise (a test holds that).
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Tone = Literal["text", "quiet", "line", "well", "watch", "trouble", "activity", "deed", "ground", "selection"]
"""`activity`: what moves; `deed`: somebody's doing; `ground` and `selection` are backgrounds."""


class Look(NamedTuple):
    glyph: str
    tone: Tone


PHASE: Final[dict[str, Look]] = {
    "Running": Look("●", "well"),
    "Pending": Look("◌", "activity"),
    "Degraded": Look("◐", "watch"),
    "Safemode": Look("◍", "watch"),
    "Failed": Look("✖", "trouble"),
    "Suspended": Look("○", "quiet"),
    "Terminating": Look("◌", "quiet"),
    # proposals
    "Reviewing": Look("◐", "watch"),
    "Blocked": Look("✖", "trouble"),
    "Approved": Look("◌", "activity"),
    "Merged": Look("●", "well"),
    "Rejected": Look("✖", "quiet"),
    "Expired": Look("○", "quiet"),
    "Superseded": Look("○", "quiet"),
    "RolledBack": Look("↶", "deed"),
}
HEALTH: Final[dict[str, Tone]] = {
    "Healthy": "well",
    "Degraded": "watch",
    "Unresponsive": "trouble",
    "Unknown": "quiet",
}
LEVEL: Final[dict[str, Tone]] = {"Low": "well", "Medium": "watch", "High": "trouble"}
NO_LOOK: Final = Look("·", "quiet")


def share_tone(share: float) -> Tone:
    """The tone of a bar that is `share` (0 to 1) full, where full is hot: activity, risk, strength."""
    return "trouble" if share >= 0.7 else "watch" if share >= 0.3 else "well"


DARK: Final[dict[Tone, str]] = {
    "ground": "#101512",
    "text": "#c9d4c5",
    "quiet": "#7c8c80",
    "line": "#2a3630",
    "selection": "#1d2822",
    "well": "#8fbf6f",
    "watch": "#e3b34d",
    "trouble": "#e2704a",
    "activity": "#6fb3c9",
    "deed": "#a98fd0",
}
LIGHT: Final[dict[Tone, str]] = {
    "ground": "#f6f5ee",
    "text": "#26302a",
    "quiet": "#667069",
    "line": "#d3d5c9",
    "selection": "#e6e8da",
    "well": "#3f7a2a",
    "watch": "#8f6200",
    "trouble": "#b5391a",
    "activity": "#1f6f8b",
    "deed": "#6a4a9c",
}
HUES: Final[dict[str, str]] = {
    "WARNING": "#e2704a",
    "OPPORTUNITY": "#8fbf6f",
    "SCARCITY": "#e3b34d",
    "CAPABILITY": "#b7c95a",
    "INTENT": "#6fb3c9",
    "STATE": "#8aa0b4",
    "MEMORY": "#5f8fd0",
    "NARRATIVE": "#d6a27c",
    "METAPHOR": "#d18fc0",
    "DREAM": "#a98fd0",
    "TEST": "#7fc9b0",
    "CHAOS": "#e0507a",
    "REVIEW_REQUEST": "#f0e08a",
}
"""Signal types on the dark ground; a theme darkens them for a light one."""
OTHER_HUE: Final = "#9aa79d"

EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
LEVELS: Final = " ▁▂▃▄▅▆▇█"
