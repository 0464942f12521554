"""Subscriptions one by one, as the protocol's older versions have them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import mcp_types as types
import pytest
from mcp import Client

from kgents.mcp.hive import Hive
from kgents.mcp.server import build
from tests.support.waiting import eventually_async
from tests.unit.mcp.conftest import agent


@pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning")
async def test_of_too_many_subscriptions_the_oldest_gives_way(
    remember: Callable[..., Hive], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kgents.mcp.server.SUBSCRIPTIONS", 2)
    told: set[str] = set()

    async def hear(message: Any) -> None:
        if isinstance(message, types.ResourceUpdatedNotification):
            told.add(message.params.uri)

    turns = itertools.cycle(["Running", "Failed"])
    async with Client(build(remember([])), mode="legacy", message_handler=hear) as client:
        for name in "abc":
            await client.session.subscribe_resource(f"kgents://agents/{name}")

        async def heard() -> bool:
            phase = next(turns)
            remember([agent(name, phase=phase) for name in "abc"])
            await asyncio.sleep(0.5)
            return len(told) > 1

        await eventually_async(heard)
    assert told == {"kgents://agents/b", "kgents://agents/c"}
