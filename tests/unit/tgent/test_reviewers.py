"""Reviewers: they ask for a person, or say nothing; whoever fails asks for one too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from operators.proposal.assess import Opinion
from operators.proposal.reviewers import consult
from operators.proposal.targets import Target

NOBODY: Any = None


@dataclass
class Somebody:
    say: Callable[[], Any]
    name: str = "somebody"

    async def review(self, proposal: Any, target: Target, found: Any) -> Any:
        said = self.say()
        return (await said) if asyncio.iscoroutine(said) else said


def broken() -> None:
    raise ValueError("no idea")


async def hear(*say: Callable[[], Any], deadline: float = 5.0) -> list[Opinion]:
    return await consult([Somebody(one) for one in say], {}, NOBODY, [], deadline)


async def test_who_has_nothing_to_say_says_nothing() -> None:
    assert await hear(lambda: None) == []


async def test_an_opinion_is_told_under_the_reviewers_own_name_and_is_short() -> None:
    [heard] = await hear(lambda: Opinion("risk", "x" * 5000, escalate=True))
    assert (heard.source, len(heard.message), heard.escalate) == ("somebody", 1000, True)


@pytest.mark.parametrize(
    "say", [broken, lambda: "allowed", lambda: asyncio.sleep(60)], ids=["raises", "garbage", "hangs"]
)
async def test_who_fails_asks_for_a_person(say: Callable[[], Any]) -> None:
    [heard] = await hear(say, deadline=0.01)
    assert heard.escalate


async def test_one_that_hangs_does_not_silence_the_others() -> None:
    heard = await hear(lambda: asyncio.sleep(60), lambda: Opinion("", "no", escalate=True), deadline=0.01)
    assert [one.message for one in heard] == ["it has not answered in time", "no"]
