"""The audit chain: each decided proposal carries the digest of the one before it, so that none can be changed unseen.

A link is `sha256(previous digest + canonical JSON of the record)`. The head (number and digest of the last link) is
kept in a second object; whoever wants to rewrite the past must rewrite every later link and the head with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

BOOKS = "kgents-audit"
"""The ConfigMap in the hive's namespace that holds the chain and the ledger."""
GENESIS = "sha256:" + "0" * 64
"""What the first link follows."""
_FIELDS = ("phase", "risk", "diff", "diffDigest", "evidence", "targetResource", "decidedBy", "mergedAt", "before")


@dataclass(frozen=True, slots=True)
class Link:
    """One place in the chain, the first is 1. `hash` covers the record and `prev_hash`."""

    seq: int
    prev_hash: str
    hash: str


FIRST = Link(0, "", GENESIS)


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


@dataclass
class Chain:
    """The chain but for its records: the last link, the last that was given up, and those whose proposals are gone.

    It is kept as the `data` of one ConfigMap; the records are the proposals themselves.
    """

    head: Link = FIRST
    anchor: Link = FIRST
    loose: dict[int, Link] = field(default_factory=dict)

    @classmethod
    def from_data(cls, data: Mapping[str, str]) -> Chain:
        """Raises ValueError for data that nobody of ours has written."""
        loose = [_read(one) for one in json.loads(data.get("loose") or "[]")]
        head, anchor = (_read(json.loads(data[key])) if data.get(key) else FIRST for key in ("head", "anchor"))
        return cls(head, anchor, {link.seq: link for link in loose})

    def to_data(self) -> dict[str, str]:
        loose = [_written(link) for _, link in sorted(self.loose.items())]
        return {key: json.dumps(value) for key, value in (
            ("head", _written(self.head)), ("anchor", _written(self.anchor)), ("loose", loose),
        )}  # fmt: skip

    def next(self, facts: Mapping[str, Any]) -> Link:
        """The link that would hold `facts`."""
        return Link(self.head.seq + 1, self.head.hash, follow(self.head.hash, facts))

    def catch_up(self, proposals: Iterable[Mapping[str, Any]]) -> None:
        """The head moves up to the links that proposals bear: they are written first."""
        links = {link.seq: link for link in map(link_of, proposals) if link is not None}
        while (following := links.get(self.head.seq + 1)) is not None and following.prev_hash == self.head.hash:
            self.head = following

    def let_go(self, link: Link) -> None:
        """Its proposal will not bear this link any longer."""
        self.loose[link.seq] = link
        while (following := self.loose.get(self.anchor.seq + 1)) is not None:
            self.anchor = self.loose.pop(following.seq)

    def verify(self, proposals: Iterable[Mapping[str, Any]]) -> list[str]:
        """A sentence for each place where the chain does not hold; none: nobody has changed it."""
        links: dict[int, tuple[Link, Mapping[str, Any] | None]] = {
            seq: (link, None) for seq, link in self.loose.items()
        }
        problems = []
        for proposal in proposals:
            link = link_of(proposal)
            if link is not None and link.seq > self.anchor.seq:
                if link.seq in links and links[link.seq][0] != link:
                    problems.append(f"link {link.seq} is there twice")
                links[link.seq] = link, record(proposal)
        return problems + list(self._breaks(links))

    def _breaks(self, links: Mapping[int, tuple[Link, Mapping[str, Any] | None]]) -> Iterator[str]:
        last = self.anchor
        for seq, (link, facts) in sorted(links.items()):
            if seq != last.seq + 1:
                missing = str(seq - 1) if seq - 1 == last.seq + 1 else f"{last.seq + 1} to {seq - 1}"
                yield f"link {missing} is missing" if missing.isdecimal() else f"links {missing} are missing"
            elif link.prev_hash != last.hash:
                yield f"link {seq} does not follow link {last.seq}"
            if facts is not None and follow(link.prev_hash, facts) != link.hash:
                yield f"link {seq} ({facts['namespace']}/{facts['name']}) was changed afterwards"
            last = link
        if (self.head.seq, self.head.hash) != (last.seq, last.hash):
            yield f"the chain ends at link {last.seq}, but its head says {self.head.seq}"


def link_of(proposal: Mapping[str, Any]) -> Link | None:
    """The link in a proposal's status, if it has one."""
    status = proposal.get("status") or {}
    return _read(status) if status.get("seq") else None


def _read(kept: Mapping[str, Any]) -> Link:
    return Link(int(kept["seq"]), str(kept.get("prevHash") or ""), str(kept.get("hash") or ""))


def _written(link: Link) -> dict[str, Any]:
    return {"seq": link.seq, "prevHash": link.prev_hash, "hash": link.hash}
