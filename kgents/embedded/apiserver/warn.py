"""Warnings whose text somebody else chose, made fit for a header."""

from __future__ import annotations

MAX_ONE = 1024
MAX_ALL = 4 * 1024
"""Characters of all warnings of one answer: clients refuse answers whose headers are too long."""


def add(warnings: list[str], text: str) -> None:
    """Adds a warning, shortened and without control characters; drops it when there are too many already."""
    shown = "".join(char if char.isprintable() else " " for char in text).strip()
    if len(shown) > MAX_ONE:
        shown = shown[: MAX_ONE - 1] + "…"
    if shown and sum(map(len, warnings)) + len(shown) <= MAX_ALL:
        warnings.append(shown)
