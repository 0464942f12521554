"""Completion indexes of a Job, and the short form in which its status tells them: `1,3-5,7`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kgents.embedded.controllers.objects import annotations_of

INDEX = "batch.kubernetes.io/job-completion-index"


def parse_indexes(text: str | None, completions: int) -> set[int]:
    """The indexes of a status, those below `completions`; what does not parse is left out."""
    found: set[int] = set()
    for part in (text or "").split(","):
        first, dash, last = part.partition("-")
        if first.isdecimal() and (last.isdecimal() or not dash):
            found.update(range(int(first), min(int(last or first) + 1, completions)))
    return {index for index in found if index < completions}


def format_indexes(indexes: Iterable[int]) -> str:
    """`1,3-5,7`: two neighbours stand as `4,5`, more of them as a range."""
    runs: list[list[int]] = []
    for index in sorted(set(indexes)):
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)) for run in runs)


def index_of(pod: Mapping[str, Any]) -> int | None:
    """Which index a pod works on; None where it does not say."""
    text = annotations_of(pod).get(INDEX, "")
    return int(text) if text.isdecimal() else None
