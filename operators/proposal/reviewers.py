"""Further reviewers beside the score, and what holds for all of them: none lowers a risk, and none that fails allows.

A model that reads the hive's constitution will be one of them; there is none yet.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from kgents.api.governance.changes import Change
from operators.proposal.assess import Opinion
from operators.proposal.targets import Target

log = logging.getLogger(__name__)

DEADLINE = 10.0
"""Seconds that reviewers have, all together: whoever has not answered by then asks for a person."""
_MESSAGE_MAX = 1000


class Reviewer(Protocol):
    """Somebody who has a say beside the score: he may ask for a person, and never lowers a risk."""

    @property
    def name(self) -> str:
        """As it stands in the evidence."""

    async def review(self, proposal: Mapping[str, Any], target: Target, found: Sequence[Change]) -> Opinion | None:
        """None when there is nothing to say. An error, or no answer in time, asks for a person."""


async def consult(
    reviewers: Sequence[Reviewer],
    proposal: Mapping[str, Any],
    target: Target,
    found: Sequence[Change],
    deadline: float = DEADLINE,
) -> list[Opinion]:
    """What they say, in their order, at the same time; `deadline` in seconds."""

    async def asked(one: Reviewer) -> object:
        async with asyncio.timeout(deadline):
            return await one.review(proposal, target, found)

    # Whatever is raised: a reviewer is somebody else's program.
    answers = await asyncio.gather(*map(asked, reviewers), return_exceptions=True)
    return [heard for one, answer in zip(reviewers, answers, strict=True) if (heard := _heard(one.name, answer))]


def _heard(name: str, answer: object) -> Opinion | None:
    if answer is None:
        return None
    if isinstance(answer, Opinion):
        return Opinion(name, answer.message[:_MESSAGE_MAX], answer.escalate)
    if isinstance(answer, TimeoutError):
        return Opinion(name, "it has not answered in time", escalate=True)
    log.warning("reviewer %s has failed: %r", name, answer)
    return Opinion(name, f"it has failed ({type(answer).__name__})", escalate=True)
