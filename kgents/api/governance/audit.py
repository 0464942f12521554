"""The audit chain: each decided proposal carries the digest of the one before it, so that none can be changed unseen.

A link is `sha256(previous digest + canonical JSON of the record)`. The head (number and digest of the last link) is
kept in a second object; whoever wants to rewrite the past must rewrite every later link and the head with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

GENESIS = "sha256:" + "0" * 64
"""What the first link follows."""
_FIELDS = ("phase", "risk", "diffDigest", "evidence", "targetResource", "decidedBy", "mergedAt", "before")


@dataclass(frozen=True, slots=True)
class Link:
    """One place in the chain. `hash` covers the record and `prev_hash`."""

    seq: int
    prev_hash: str
    hash: str


def record(proposal: Mapping[str, Any]) -> dict[str, Any]:
    """What a link vouches for: who asked for what and why, how it was judged, who decided, what changed."""
    metadata, status = proposal["metadata"], proposal.get("status") or {}
    return {
        "uid": metadata["uid"],
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "spec": proposal["spec"],
        **{field: status[field] for field in _FIELDS if field in status},
    }


def follow(previous: str, facts: Mapping[str, Any]) -> str:
    """The digest of the link that holds `facts` and comes after `previous`."""
    canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(f"{previous}\n{canonical}".encode()).hexdigest()


def verify(links: Iterable[tuple[Link, Mapping[str, Any] | None]], anchor: Link | None, head: Link | None) -> list[str]:
    """A sentence for each place where the chain does not hold; none: nobody has changed it.

    `links` are those that are still kept, each with its record (None: the proposal is gone, only its link was kept).
    `anchor` is the last link that was given up to the history limit, `head` the last that the operator wrote.
    """
    problems = []
    last = anchor or Link(0, "", GENESIS)
    for link, facts in sorted(links, key=lambda pair: pair[0].seq):
        if link.seq != last.seq + 1:
            problems.append(f"links {last.seq + 1} to {link.seq - 1} are missing" if link.seq > last.seq else
                            f"link {link.seq} is there twice")  # fmt: skip
        elif link.prev_hash != last.hash:
            problems.append(f"link {link.seq} does not follow link {last.seq}")
        if facts is not None and follow(link.prev_hash, facts) != link.hash:
            problems.append(f"link {link.seq} ({facts['namespace']}/{facts['name']}) was changed afterwards")
        last = link
    if head is not None and (head.seq, head.hash) != (last.seq, last.hash):
        problems.append(f"the chain ends at link {last.seq}, but its head says {head.seq}")
    return problems
