"""Who a token is of: what is remembered, for how long, and what is never believed."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from cortex import tokens
from cortex.tokens import Tokens, Unknown
from kgents.api.errors import Unreachable
from kgents.kube.client import KubeClient

ANN = {"username": "ann", "groups": ["people"]}


class Api:
    """Knows whom it is told; counts who asks."""

    def __init__(self) -> None:
        self.users: dict[str, Any] = {"good": ANN}
        self.audiences: list[str] | None = None
        self.asked: list[str] = []
        self.away = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def request(self, method: str, path: str, *, body: Any, timeout: float) -> Any:
        token = body["spec"]["token"]
        self.asked.append(token)
        await self.gate.wait()
        if self.away:
            raise Unreachable("the API is gone")
        user = self.users.get(token)
        status = {"authenticated": True, "user": user} if user else {"error": "no"}
        return {"status": status if self.audiences is None else {**status, "audiences": self.audiences}}


class Time:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def desk(api: Api, clock: Time, audience: str = "") -> Tokens:
    known: Any = api
    client: KubeClient = known
    return Tokens(client, audience, clock, clock)


def said(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


async def test_a_token_is_asked_about_once_in_a_while() -> None:
    api, clock = Api(), Time()
    known = desk(api, clock)

    first = [await known.caller(said("good")) for _ in range(3)]
    clock.now += tokens.HOLDS
    await known.caller(said("good"))

    assert {one.name for one in first} == {"ann"}
    assert dict(first[0].extra) == {"kgents.io/connector": ("cortex",)}
    assert api.asked == ["good", "good"]


async def test_a_no_is_remembered_for_a_moment() -> None:
    api, clock = Api(), Time()
    known = desk(api, clock)

    for _ in range(3):
        with pytest.raises(Unknown):
            await known.caller(said("late"))
    api.users["late"] = ANN
    clock.now += tokens.NO_HOLDS

    assert (await known.caller(said("late"))).name == "ann"
    assert api.asked == ["late", "late"]


async def test_many_who_ask_at_once_cost_one_question_each() -> None:
    api, clock = Api(), Time()
    known = desk(api, clock)
    api.users["other"] = {"username": "bob"}

    found = await asyncio.gather(*(known.caller(said(one)) for one in ["good", "other"] * 20))

    assert [one.name for one in found] == ["ann", "bob"] * 20
    assert sorted(api.asked) == ["good", "other"]


async def test_who_gives_up_takes_nobody_elses_answer_away() -> None:
    api, clock = Api(), Time()
    known = desk(api, clock)
    api.gate.clear()
    first = asyncio.create_task(known.caller(said("good")))
    second = asyncio.create_task(known.caller(said("good")))
    await asyncio.sleep(0)

    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    api.gate.set()

    assert (await second).name == "ann"


async def test_what_the_api_did_not_say_is_no_answer() -> None:
    api, clock = Api(), Time()
    known = desk(api, clock)
    api.away = True
    with pytest.raises(Unreachable):
        await known.caller(said("good"))
    api.away = False

    assert (await known.caller(said("good"))).name == "ann"


async def test_guesses_do_not_make_good_tokens_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST", 3)
    api, clock = Api(), Time()
    known = desk(api, clock)
    await known.caller(said("good"))
    for guess in range(50):
        with pytest.raises(Unknown):
            await known.caller(said(f"guess-{guess}"))

    await known.caller(said("good"))

    assert api.asked.count("good") == 1
    assert len(known._wrong) == 3


async def test_a_flood_of_new_tokens_waits_in_a_bounded_line() -> None:
    api, clock = Api(), Time()
    known = desk(api, clock)
    await known.caller(said("good"))
    api.gate.clear()
    flood = [asyncio.create_task(known.caller(said(f"guess-{one}"))) for one in range(tokens.WAITING + 20)]
    while len(api.asked) < 1 + tokens.AT_ONCE or not any(one.done() for one in flood):
        await asyncio.sleep(0)

    turned_away = [one for one in flood if one.done()]
    assert len(turned_away) == 20 and all(isinstance(one.exception(), Unreachable) for one in turned_away)
    assert len(api.asked) == 1 + tokens.AT_ONCE
    assert (await known.caller(said("good"))).name == "ann"
    api.gate.set()
    await asyncio.gather(*flood, return_exceptions=True)


async def test_a_token_ends_when_it_says_so_however_fresh_the_answer() -> None:
    api, clock = Api(), Time()
    known = desk(api, clock)
    claims = base64.urlsafe_b64encode(json.dumps({"exp": clock.now + 5}).encode()).decode().rstrip("=")
    token = f"head.{claims}.sign"
    api.users[token] = ANN
    await known.caller(said(token))
    clock.now += 5

    with pytest.raises(Unknown, match="expired"):
        await known.caller(said(token))


@pytest.mark.parametrize("exp", ["soon", None, [], {}, "NaN", 1e400])
async def test_an_end_that_cannot_be_read_is_left_to_the_api(exp: object) -> None:
    api, clock = Api(), Time()
    claims = base64.urlsafe_b64encode(json.dumps({"exp": exp}).encode()).decode().rstrip("=")
    token = f"head.{claims}.sign"
    api.users[token] = ANN

    assert (await desk(api, clock).caller(said(token))).name == "ann"


@pytest.mark.parametrize("audiences", [None, [], ["somewhere"]])
async def test_where_tokens_must_be_meant_for_cortex_others_are_not_taken(audiences: list[str] | None) -> None:
    api, clock = Api(), Time()
    api.audiences = audiences
    with pytest.raises(Unknown, match="not meant for"):
        await desk(api, clock, "kgents-cortex").caller(said("good"))

    api.audiences = ["kgents-cortex"]
    assert (await desk(api, clock, "kgents-cortex").caller(said("good"))).name == "ann"


@pytest.mark.parametrize(
    "user",
    [
        {"username": ""},
        {},
        {"username": " ann"},
        {"username": "ann\r\nImpersonate-Group: system:masters"},
        {"username": "ann", "groups": ["a", ""]},
        {"username": "ann", "groups": ["\x00"]},
        {"username": "ann", "extra": {"x\ny": ["z"]}},
        {"username": "ann", "uid": "1 "},
    ],
)
async def test_nobody_comes_in_whom_a_header_could_not_name(user: dict[str, Any]) -> None:
    api, clock = Api(), Time()
    api.users["odd"] = user

    with pytest.raises(Unknown):
        await desk(api, clock).caller(said("odd"))


@pytest.mark.parametrize("status", [None, [], "yes", {"authenticated": "true", "user": ANN}, {"authenticated": True}])
async def test_an_answer_that_is_none_lets_nobody_in(status: object, monkeypatch: pytest.MonkeyPatch) -> None:
    api, clock = Api(), Time()

    async def request(*_: Any, **__: Any) -> Any:
        return {"status": status}

    monkeypatch.setattr(api, "request", request)
    with pytest.raises((Unknown, Unreachable)):
        await desk(api, clock).caller(said("good"))
