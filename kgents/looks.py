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
    "well": "#a6c087",
    "watch": "#e7af29",
    "trouble": "#e3704b",
    "activity": "#72b8c5",
    "deed": "#9d89d8",
}
LIGHT: Final[dict[Tone, str]] = {
    "ground": "#f6f5ee",
    "text": "#26302a",
    "quiet": "#667069",
    "line": "#d3d5c9",
    "selection": "#e6e8da",
    "well": "#2a5d32",
    "watch": "#866c12",
    "trouble": "#690506",
    "activity": "#33739a",
    "deed": "#4e1f63",
}
HUES: Final[dict[str, str]] = {
    "WARNING": "#e2704a",
    "OPPORTUNITY": "#a3ef6f",
    "SCARCITY": "#e3b34d",
    "CAPABILITY": "#deeeb6",
    "INTENT": "#43aac7",
    "STATE": "#c9cad1",
    "MEMORY": "#8ebbf7",
    "NARRATIVE": "#af9589",
    "METAPHOR": "#9771a2",
    "DREAM": "#8c7ef2",
    "TEST": "#83f9fe",
    "CHAOS": "#c06367",
    "REVIEW_REQUEST": "#bab68b",
}
"""Types of signals on the dark ground."""
LIGHT_HUES: Final[dict[str, str]] = {
    "WARNING": "#963d0e",
    "OPPORTUNITY": "#306441",
    "SCARCITY": "#976700",
    "CAPABILITY": "#343904",
    "INTENT": "#004667",
    "STATE": "#5d5471",
    "MEMORY": "#2e0d90",
    "NARRATIVE": "#543f39",
    "METAPHOR": "#8a2ca1",
    "DREAM": "#624ecd",
    "TEST": "#197c84",
    "CHAOS": "#5e0e40",
    "REVIEW_REQUEST": "#737255",
}
"""Types of signals on the light ground."""
OTHER_HUE: Final = "#9aa79d"
LIGHT_OTHER_HUE: Final = "#5f6761"
"""Of a type that is none of these."""

EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
LEVELS: Final = " ▁▂▃▄▅▆▇█"
