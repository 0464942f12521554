"""Callers from elsewhere: each is who his token says, and sees and does what Kubernetes lets him."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace

from cortex.answers import Call, Event, World
from cortex.logos import NotHere
from cortex.needs import BRAKES, BRAKES_AT, NEEDS, Need
from cortex.rights import Right, Rights
from cortex.scope import NOTHING, Scope, Where
from cortex.tokens import Metadata, Tokens, Unknown
from kgents.api.errors import Refused
from kgents.api.kinds import KINDS, POD
from kgents.api.operations import table
from kgents.kube.impersonation import Identity

AGAIN = 10.0
"""Seconds between looks whether who watches is still who he was, and may still see what he sees."""


class Visitors:
    """Lets callers in. `world` is the whole hive, as Cortex itself knows it."""

    def __init__(self, world: World, tokens: Tokens, rights: Rights) -> None:
        self._world, self._tokens, self._rights = world, tokens, rights
        self._namespaces: tuple[frozenset[str], float] = frozenset(), 0.0

    async def world(self, metadata: Metadata) -> World:
        """The hive for whoever calls with this metadata: what goes to the API goes there as him.

        Raises Unknown, or Unreachable where nobody can say who he is.
        """
        given = tuple((key, value) for key, value in metadata if key.lower() == "authorization")
        who = await self._tokens.caller(given)
        visitor = Visitor(self, given, who)
        return replace(self._world, api=self._world.api.acting_as(who), visitor=visitor)

    async def check(self, metadata: Metadata) -> None:
        """Raises as `world` does."""
        await self._tokens.caller(metadata)

    async def scope(self, who: Identity, id: str, call: Call, watching: bool) -> Scope:
        """What he may see for this call. Raises Refused when that is not enough for it, Unreachable."""
        namespace, name = BRAKES_AT
        parts: dict[str, Where] = {}
        needs = [need for need in NEEDS.get(id, ()) if not need.given or call.arguments.get(need.given)]
        if not needs and id not in table.IDS:
            raise NotHere("a Cortex in a cluster cannot answer this", why="it is of the machine where one asks")
        if await self._rights.allowed(who, Right(BRAKES.verb, BRAKES.kind, namespace, name=name)):
            parts["brakes"] = Where()
        for need in needs:
            found = await self._where(who, need, call, watching)
            if need.must and not found:
                raise _refused(who, need, call)
            parts[need.part] = found
        if needs and not any(parts[need.part] for need in needs):
            raise _refused(who, needs[0], call)
        return replace(NOTHING, **parts)

    async def _where(self, who: Identity, need: Need, call: Call, watching: bool) -> Where:
        namespace = "" if need.wide else call.namespace
        name = str(call.names.get(need.name) or call.arguments.get(need.name) or "") if need.name else ""
        right = Right(need.verb, need.kind, namespace, need.subresource, name)
        namespaces = self._inhabited() | _home(who)
        found = await self._rights.where(who, right, namespaces)
        if watching and found and not need.subresource:
            # Nobody hears of changes who could only look.
            found &= await self._rights.where(who, right._replace(verb="watch"), found.names or namespaces)
        return found

    def _inhabited(self) -> frozenset[str]:
        """The namespaces in which there is anything of the hive; looked at anew every other second."""
        if time.monotonic() >= self._namespaces[1]:
            stores = (self._world.mirror.informers[kind.plural].store for kind in (*KINDS, POD))
            self._namespaces = frozenset(key[0] for store in stores for key in store), time.monotonic() + 2.0
        return self._namespaces[0]


class Visitor:
    """One caller, for one call."""

    def __init__(self, visitors: Visitors, metadata: Metadata, who: Identity) -> None:
        self._visitors, self._metadata, self.who = visitors, metadata, who

    async def scope(self, id: str, call: Call, watching: bool = False) -> Scope:
        """What he may see for this call. Raises Refused, Unreachable."""
        return await self._visitors.scope(self.who, id, call, watching)

    async def while_so(self, id: str, call: Call, events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
        """The events, as long as he is who he was and may see what he saw. RESYNC ends them where that is otherwise.

        Raises Unknown, Refused or Unreachable when he may see nothing of it any more, or nobody can say.
        """

        async def still() -> bool:
            now = await self._visitors.world(self._metadata)
            if now.visitor is None or now.visitor.who != self.who:
                raise Unknown("Cortex does not know you any more", why="the token is somebody else's now")
            return await self.scope(id, call, watching=True) == call.scope

        async for event in _while_true(events, still):
            yield event


async def _while_true(
    events: AsyncGenerator[Event, None], still: Callable[[], Awaitable[bool]], every: float = AGAIN
) -> AsyncGenerator[Event, None]:
    loop = asyncio.get_running_loop()
    due = loop.time() + every
    following: asyncio.Task[Event] | None = None
    try:
        while True:
            if following is None:
                following = asyncio.ensure_future(anext(events))
            await asyncio.wait({following}, timeout=max(0.0, due - loop.time()))
            # Before anything more is told, also of what was waiting: his reader may have been slow for long.
            if loop.time() >= due:
                if not await still():
                    yield Event("RESYNC", "")
                    return
                due = loop.time() + every
            if following.done():
                try:
                    event = following.result()
                except StopAsyncIteration:
                    return
                following = None
                yield event
    finally:
        if following is not None:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        await events.aclose()


def _home(who: Identity) -> frozenset[str]:
    """A ServiceAccount's own namespace: it may look there, whether or not there is anything yet."""
    parts = who.name.split(":")
    return frozenset({parts[2]} if parts[:2] == ["system", "serviceaccount"] and len(parts) == 4 else ())


def _refused(who: Identity, need: Need, call: Call) -> Refused:
    right = Right(need.verb, need.kind, call.namespace, need.subresource)
    where = "" if call.namespace else " in any namespace"
    return Refused(f"{who.name} may not {right}{where}", why="Kubernetes' RBAC does not allow it")
