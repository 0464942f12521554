"""The books: the audit chain's links and the ledger, in one ConfigMap of the hive's own namespace.

A link is sealed in three steps, each of which may be the last before a crash: the link that a proposal had before is
let go, the proposal's status is written with the new link, the head follows. The proposal is the truth; a head that
trails catches up at the next start. Entries that come while the books are being written share the next write.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from kgents.api.governance import audit
from kgents.api.governance.audit import Chain, Link
from kgents.api.governance.ledger import Ledger
from kgents.api.kinds import CONFIG_MAP, HIVE_NAMESPACE
from kgents.kube.client import KubeClient
from kgents.kube.errors import ObjectNotFound

Object = dict[str, Any]


class Books:
    """One writer: the operators that lead. Every entry is on the API server before it is acted upon."""

    def __init__(self, api: KubeClient) -> None:
        self._api = api
        self._sealing, self._writing = asyncio.Lock(), asyncio.Lock()
        self._entered = self._kept = 0
        self.chain = Chain()
        self.ledger = Ledger()

    async def open(self, proposals: Iterable[Mapping[str, Any]]) -> None:
        """Reads the books, and brings the head up to what the proposals say."""
        try:
            stored = await self._api.get(CONFIG_MAP, audit.BOOKS, HIVE_NAMESPACE)
        except ObjectNotFound:
            stored = {}
        data = stored.get("data") or {}
        self.chain, self.ledger = Chain.from_data(data), Ledger.from_json(json.loads(data.get("ledger") or "{}"))
        self.chain.catch_up(proposals)
        self._entered += 1
        await self._keep()

    async def note(self, enter: Callable[[Ledger], None], now: float) -> None:
        """An entry of the ledger, on the API server when this returns. Once, however often it is noted."""
        before = json.dumps(self.ledger.to_json(), sort_keys=True)
        enter(self.ledger)
        self.ledger.forget(now)
        self._entered += json.dumps(self.ledger.to_json(), sort_keys=True) != before
        await self._keep()

    async def seal(self, proposal: Object, write: Callable[[Object], Awaitable[Object]]) -> Object:
        """Writes a decided proposal's status with the next link in it. Returns what `write` did."""
        async with self._sealing:
            former = audit.link_of(proposal)
            if former is not None and not self.chain.is_loose(former.seq):
                await self._let_go(former)
            link = self.chain.next(audit.record(proposal))
            linked = {"seq": link.seq, "prevHash": link.prev_hash, "hash": link.hash}
            written = await write({**proposal, "status": {**proposal["status"], **linked}})
            self.chain.head = link
            self._entered += 1
        await self._keep()
        return written

    async def give_up(self, proposal: Mapping[str, Any]) -> None:
        """Before a proposal is deleted for its age: its link stays, so that the chain goes on."""
        link = audit.link_of(proposal)
        if link is not None:
            await self._let_go(link)

    async def _let_go(self, link: Link) -> None:
        self.chain.let_go(link)
        self._entered += 1
        await self._keep()

    async def _keep(self) -> None:
        """All that is entered by now is on the API server when this returns; after a failure the next one writes it."""
        mine = self._entered
        async with self._writing:
            if self._kept >= mine:
                return
            entered = self._entered
            data = {**self.chain.to_data(), "ledger": json.dumps(self.ledger.to_json(), sort_keys=True)}
            body = {"metadata": {"name": audit.BOOKS, "namespace": HIVE_NAMESPACE}, "data": data}
            # Unconditionally: what somebody else wrote here is not to be kept.
            await self._api.apply(CONFIG_MAP, body, HIVE_NAMESPACE)
            self._kept = entered
