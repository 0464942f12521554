"""The audit chain: each decided proposal carries the digest of the one before it, so that none can be changed unseen.

A link is `sha256(previous digest + canonical JSON of the record)`. The head (number and digest of the last link) is
kept in a second object; whoever wants to rewrite the past must rewrite every later link and the head with it.
"""

from __future__ import annotations

import bisect
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


@dataclass(frozen=True, slots=True)
class Span:
    """Links without a record, from number `first` on: what the first one follows, and where the last one leads.

    However many are given up, there are no more spans than records between them.
    """

    first: int
    prev_hash: str
    last: Link

    def __contains__(self, seq: int) -> bool:
        return self.first <= seq <= self.last.seq


def record(proposal: Mapping[str, Any]) -> dict[str, Any]:
    """What a link vouches for: who asked for what and why, how it was judged, who decided, what changed.

    The decision is in `decidedBy` and the evidence; `spec.decision` may still ask for the way back.
    """
    metadata, status = proposal["metadata"], proposal.get("status") or {}
    return {
        "uid": metadata["uid"],
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "spec": {key: value for key, value in proposal["spec"].items() if key != "decision"},
        **{field: status[field] for field in _FIELDS if field in status},
    }


def follow(previous: str, facts: Mapping[str, Any]) -> str:
    """The digest of the link that holds `facts` and comes after `previous`."""
    canonical = json.dumps(_canonical(facts), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(f"{previous}\n{canonical}".encode()).hexdigest()


def _canonical(value: Any) -> Any:
    """Of one number one spelling: Kubernetes and kubectl write 0 for what was sent as 0.0."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _canonical(one) for key, one in value.items()}
    return [_canonical(one) for one in value] if isinstance(value, list) else value


@dataclass
class Chain:
    """The chain but for its records: the last link, the last that was given up, and those whose proposals are gone.

    It is kept as the `data` of one ConfigMap; the records are the proposals themselves.
    """

    head: Link = FIRST
    anchor: Link = FIRST
    loose: list[Span] = field(default_factory=list)

    @classmethod
    def from_data(cls, data: Mapping[str, str]) -> Chain:
        """Raises ValueError for data that nobody of ours has written."""
        loose = [_span(one) for one in json.loads(data.get("loose") or "[]")]
        head, anchor = (_read(json.loads(data[key])) if data.get(key) else FIRST for key in ("head", "anchor"))
        return cls(head, anchor, sorted(loose, key=lambda span: span.first))

    def to_data(self) -> dict[str, str]:
        loose = [{**_written(span.last), "first": span.first, "prevHash": span.prev_hash} for span in self.loose]
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
        if link.seq <= self.anchor.seq or self.is_loose(link.seq):
            return
        place = bisect.bisect([span.first for span in self.loose], link.seq)
        self.loose.insert(place, Span(link.seq, link.prev_hash, link))
        for left in (place, place - 1):  # with the one after it, and then with the one before
            if 0 <= left < len(self.loose) - 1:
                one, other = self.loose[left : left + 2]
                if (one.last.seq + 1, one.last.hash) == (other.first, other.prev_hash):
                    self.loose[left : left + 2] = [Span(one.first, one.prev_hash, other.last)]
        if self.loose[0].first == self.anchor.seq + 1:
            self.anchor = self.loose.pop(0).last

    def is_loose(self, seq: int) -> bool:
        """Whether the link of that number was let go, and is not before the anchor."""
        return any(seq in span for span in self.loose)

    def verify(self, proposals: Iterable[Mapping[str, Any]]) -> list[str]:
        """A sentence for each place where the chain does not hold; none: nobody has changed it."""
        links: dict[int, tuple[Span, Mapping[str, Any] | None]] = {span.first: (span, None) for span in self.loose}
        problems = []
        for proposal in proposals:
            link = link_of(proposal)
            if link is None or link.seq <= self.anchor.seq:
                continue
            known = next((span for span in self.loose if link.seq in span), None)
            if known is not None and known.first != known.last.seq:
                continue  # let go, and not yet gone
            if link.seq in links and links[link.seq][0].last != link:
                problems.append(f"link {link.seq} is there twice")
            links[link.seq] = Span(link.seq, link.prev_hash, link), record(proposal)
        return problems + list(self._breaks(links))

    def _breaks(self, links: Mapping[int, tuple[Span, Mapping[str, Any] | None]]) -> Iterator[str]:
        last = self.anchor
        for seq, (span, facts) in sorted(links.items()):
            if seq != last.seq + 1:
                missing = str(seq - 1) if seq - 1 == last.seq + 1 else f"{last.seq + 1} to {seq - 1}"
                yield f"link {missing} is missing" if missing.isdecimal() else f"links {missing} are missing"
            elif span.prev_hash != last.hash:
                yield f"link {seq} does not follow link {last.seq}"
            if facts is not None and follow(span.prev_hash, facts) != span.last.hash:
                yield f"link {seq} ({facts['namespace']}/{facts['name']}) was changed afterwards"
            last = span.last
        if (self.head.seq, self.head.hash) != (last.seq, last.hash):
            yield f"the chain ends at link {last.seq}, but its head says {self.head.seq}"


def link_of(proposal: Mapping[str, Any]) -> Link | None:
    """The link in a proposal's status, if it has one."""
    status = proposal.get("status") or {}
    return _read(status) if status.get("seq") else None


def _read(kept: Mapping[str, Any]) -> Link:
    return Link(int(kept["seq"]), str(kept.get("prevHash") or ""), str(kept.get("hash") or ""))


def _span(kept: Mapping[str, Any]) -> Span:
    last = _read(kept)
    return Span(int(kept.get("first") or last.seq), last.prev_hash, last)


def _written(link: Link) -> dict[str, Any]:
    return {"seq": link.seq, "prevHash": link.prev_hash, "hash": link.hash}
