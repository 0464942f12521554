"""One hive as MCP clients see it: a question in, an answer out, with the layer that gave it and its age."""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

from kgents.api.operations.why import lines
from kgents.api.redact import redact_text
from kgents.glass import context as contexts
from kgents.glass.answer import Answer, Source
from kgents.glass.context import Target
from kgents.glass.look import Freshness, Glass, open_glass
from kgents.mcp.fence import Fence
from kgents.mcp.offers import Asked, Offer

LOG = 20_000
"""Characters of a log."""
_CLIENT = 100
Structured = dict[str, Any]

ANSWER_SCHEMA: Structured = {
    "type": "object",
    "properties": {
        "note": {"type": "string", "description": "how much of it this is, how old, and how to read it"},
        "hive": {"type": "object", "description": "the context, and the namespace that was looked at"},
        "source": {"type": "object", "description": "the layer that answered, and the answer's age in seconds"},
        "frozen": {"type": "object", "description": "by whom and why the hive is frozen; only while it is"},
        "items": {"type": "array", "description": "the rows"},
        "log": {"type": "string", "description": "the last lines of a log, instead of rows"},
        "total": {"type": "integer", "description": "how many rows there are"},
        "nextCursor": {"type": "string", "description": "cursor of the next page; only where there is more"},
    },
    "required": ["note", "hive", "source", "total"],
}


class Hive:
    """`context` and `namespace`: None for the kubeconfig's. Threads may share it.

    The hive is looked up when it is first asked, and kept: a client that is started with the desktop finds the hive
    that is made later, and who switches his kubeconfig's context does not move a conversation to another hive.
    """

    def __init__(self, context: str | None, namespace: str | None, *, everywhere: bool = False) -> None:
        self._asked = context, namespace
        self._everywhere = everywhere
        self._target: Target | None = None
        self._lock = threading.Lock()

    @property
    def target(self) -> Target:
        """Raises KgentsError where no hive can be made out."""
        with self._lock:
            if self._target is None:
                self._target = contexts.resolve_for_ghost(*self._asked)
            return self._target

    @property
    def scope(self) -> str:
        """The namespace that lists are about; "" for all."""
        return "" if self._everywhere else self.target.namespace

    def glass(self) -> Glass:
        """One of its own for each question, as a glass keeps what it tried."""
        return open_glass(self.target, _tell)

    def ask(self, offer: Offer, given: dict[str, Any], client: str) -> Structured:
        """The answer to a question, as ANSWER_SCHEMA says. Blocks; raises KgentsError."""
        asked = offer.understand(given)
        glass = self.glass()
        namespace = asked.namespace
        if namespace is None:
            # One object is in one namespace: only lists are about all.
            single = offer.entry.write or offer.entry.names
            namespace = self.target.namespace if single else self.scope
        answer = _put(glass, offer, asked, namespace, connector(client))
        return self._shaped(answer, offer, asked, namespace)

    def _shaped(self, answer: Answer, offer: Offer, asked: Asked, namespace: str) -> Structured:
        fence = Fence()
        shown: Structured
        if offer.is_log:
            rows = answer.rows()[-asked.limit :]
            text = "\n".join(str(row.get("line", "")) for row in rows)
            shown = {"log": fence.text(redact_text(text), LOG, keep_end=True), "total": len(rows)}
            count = f"the last {len(rows)} lines"
        else:
            start, total = (asked.start, max(answer.total, len(answer.items))) if answer.many else (0, 1)
            rows = [_readable(json.loads(item)) for item in answer.items[start : start + asked.limit]]
            items = fence.rows(rows)
            end = start + len(items)
            shown = {"items": items, "total": total}
            count = f"{start + 1} to {end} of {total}" if items and answer.many else f"{len(items)} of {total}"
            if items and end < total:
                shown["nextCursor"] = str(end)
                count += "; ask again with nextCursor for more"
        frozen = {"frozen": fence.value(answer.frozen)} if answer.frozen else {}
        note = f"{count}. {_dated(answer.source)}." + (f" {fence.note}" if fence.used else "")
        hive = {"context": self.target.context, "namespace": namespace or "all"}
        return {"note": note, "hive": hive, "source": answer.source.to_dict(), **frozen, **shown}


def connector(client: str) -> str:
    """What stands in `via` and as a signal's source: the client's name, as no agent can be called."""
    clean = "".join(sign for sign in client if sign.isprintable()).strip()[:_CLIENT]
    return f"mcp:{clean or 'unnamed'}"


def _put(glass: Glass, offer: Offer, asked: Asked, namespace: str, via: str) -> Answer:
    entry, arguments = offer.entry, dict(asked.arguments)
    if entry.write:
        if offer.takes_source:
            arguments[offer.takes_source] = via
        return glass.write(entry.id, namespace=namespace, bindings=asked.names, arguments=arguments)
    if any(one.name == "limit" for one in entry.arguments):
        arguments["limit"] = asked.start + asked.limit
    if offer.is_log:
        arguments["tail"] = asked.limit
        # An agent that is not there has an empty log, too.
        glass.read("agents.get", namespace=namespace, freshness=Freshness(), bindings=asked.names, arguments={})
    return glass.read(entry.id, namespace=namespace, freshness=Freshness(), bindings=asked.names, arguments=arguments)


def _readable(row: Structured) -> Structured:
    """A tree of causes as lines: nobody counts brackets."""
    return {**row, "tree": list(lines(row["tree"]))} if isinstance(row.get("tree"), list) else row


def _dated(source: Source) -> str:
    if source.layer == "ghost":
        return f"Not live: remembered from {source.age:.0f} s ago, {source.staleness}"
    return f"Live, from {source.layer}"


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
