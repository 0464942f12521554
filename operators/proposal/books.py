"""The books: the audit chain's links and the ledger, in one ConfigMap of the hive's own namespace.

A link is sealed in three steps, each of which may be the last before a crash: the link that a proposal had before is
let go, the proposal's status is written with the new link, the head follows. The proposal is the truth; a head that
trails catches up at the next start.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from kgents.api.governance import audit
from kgents.api.governance.audit import Chain
from kgents.api.governance.ledger import Ledger
from kgents.api.kinds import CONFIG_MAP, HIVE_NAMESPACE
from kgents.kube.client import KubeClient
from kgents.kube.errors import ObjectNotFound

Object = dict[str, Any]


class Books:
    """One writer: the operators that lead. Every entry is on the API server before it is acted upon."""

    def __init__(self, api: KubeClient) -> None:
        self._api = api
        self._lock = asyncio.Lock()
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
        await self._write()

    async def note(self, enter: Callable[[Ledger], None], now: float) -> None:
        """An entry of the ledger, on the API server when this returns. Once, however often it is noted."""
        async with self._lock:
            before = json.dumps(self.ledger.to_json(), sort_keys=True)
            enter(self.ledger)
            self.ledger.forget(now)
            if json.dumps(self.ledger.to_json(), sort_keys=True) != before:
                await self._write()

    async def seal(self, proposal: Object, write: Callable[[Object], Awaitable[Object]]) -> Object:
        """Writes a decided proposal's status with the next link in it. Returns what `write` did."""
        async with self._lock:
            former = audit.link_of(proposal)
            if former is not None and former.seq not in self.chain.loose:
                self.chain.let_go(former)
                await self._write()
            link = self.chain.next(audit.record(proposal))
            linked = {"seq": link.seq, "prevHash": link.prev_hash, "hash": link.hash}
            written = await write({**proposal, "status": {**proposal["status"], **linked}})
            self.chain.head = link
            await self._write()
            return written

    async def give_up(self, proposal: Mapping[str, Any]) -> None:
        """Before a proposal is deleted for its age: its link stays, so that the chain goes on."""
        link = audit.link_of(proposal)
        if link is not None:
            async with self._lock:
                self.chain.let_go(link)
                await self._write()

    async def _write(self) -> None:
        # Unconditionally: what somebody else wrote here is not to be kept.
        data = {**self.chain.to_data(), "ledger": json.dumps(self.ledger.to_json(), sort_keys=True)}
        body = {"metadata": {"name": audit.BOOKS, "namespace": HIVE_NAMESPACE}, "data": data}
        await self._api.apply(CONFIG_MAP, body, HIVE_NAMESPACE)
