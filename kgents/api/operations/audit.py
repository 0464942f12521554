"""The audit: every decided proposal in the order of the chain, and whether the chain holds."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from kgents.api import conditions, rows, times
from kgents.api.errors import NotFound
from kgents.api.governance import audit
from kgents.api.governance.audit import Chain
from kgents.api.kinds import CONFIG_MAP, HIVE_NAMESPACE, PROPOSAL
from kgents.api.operations.requests import Call, Get, List, Operation, Request, Row
from kgents.api.wording import cause_text

UNREADABLE = "the audit books cannot be read: somebody has changed them"
TRIES = 6
"""A proposal may be sealed anew or deleted for its age between two reads; what somebody has changed stays so."""


def verify(call: Call) -> Operation:
    """One row: {"verified", "problems", "links", "head"}. The chain goes across namespaces, so all are read."""
    for _ in range(TRIES):
        try:
            chain = yield from _books()
            proposals = yield List(PROPOSAL)
            told = (yield from _books()).head.seq
        except (ValueError, KeyError, TypeError):
            return [{"name": "audit", "verified": False, "problems": [UNREADABLE], "links": 0, "head": 0}]
        # A proposal is written before its head: what was sealed meanwhile is in the books by now, a forgery is not.
        chain.catch_up(proposals)
        problems = chain.verify(proposals)
        if chain.head.seq > told:
            problems.append(f"the chain ends at link {chain.head.seq}, but its head says {told}")
        if not problems:
            break
    return [
        {
            "name": "audit",
            "verified": not problems,
            "problems": problems,
            "links": chain.head.seq - chain.anchor.seq,
            "head": chain.head.seq,
        }
    ]


def _books() -> Generator[Request, Any, Chain]:
    """The chain without its records. Raises ValueError, KeyError or TypeError for what nobody of ours has written."""
    try:
        books = yield Get(CONFIG_MAP, audit.BOOKS, HIVE_NAMESPACE)
    except NotFound:
        books = {}
    return Chain.from_data(books.get("data") or {})


def trail(call: Call) -> Operation:
    """Who asked, who decided, on what evidence, what changed: the decided ones, the latest last."""
    since = times.parse(call.arguments.get("since")) or 0.0
    found = yield List(PROPOSAL, call.namespace)
    decided = [entry(one, call.now) for one in found if audit.link_of(one) is not None]
    return sorted((one for one in decided if one["at"] >= times.to_text(since)), key=lambda one: one["seq"])


def entry(proposal: Mapping[str, Any], now: float) -> Row:
    """One decided proposal, as an auditor wants it. `at` is when it was written down."""
    status = proposal.get("status") or {}
    settled = conditions.find(proposal, "Settled") or {}
    # What was merged is settled already when it is taken back: of that the evidence tells the time.
    times_told = [str(one.get("time") or "") for one in status.get("evidence") or ()]
    return {
        **rows.proposal_row(dict(proposal), now),
        "seq": int(status.get("seq") or 0),
        "hash": str(status.get("hash") or ""),
        "at": max([str(settled.get("lastTransitionTime") or ""), *times_told]),
        "decidedBy": str(status.get("decidedBy") or ""),
        "outcome": str(settled.get("message") or ""),
        "diff": str(status.get("diff") or "").splitlines(),
        "evidence": [f"{one.get('source')}: {one.get('message')}" for one in status.get("evidence") or ()],
        "causes": [cause_text(cause) for cause in proposal["spec"].get("causedBy") or ()],
    }
