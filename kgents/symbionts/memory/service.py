"""What is answered: paths and methods on one side, the store on the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from kgents.api import times
from kgents.symbionts.memory import door, snapshot, text
from kgents.symbionts.memory.database import Broken, Database, Full, Unavailable
from kgents.symbionts.memory.settings import Settings
from kgents.symbionts.memory.store import NoEntry, Score, Store
from kgents.symbionts.memory.text import Unfit
from kgents.symbionts.memory.vectors import Vectors
from kgents.symbionts.memory.wire import Answer, Exchange, Refusal

SEARCH_MOST, SEARCH_USUAL = 100, 10
ASKED_MOST = 4096
ANSWER_MOST = 8 << 20
_LEVEL = 10
"""How much the first places count for more than the later ones, when two rankings are made one."""


class Service:
    """`on_broken` is called when the file turns out to be damaged: a new start sets it aside."""

    def __init__(self, database: Database, settings: Settings, token: str, on_broken: Callable[[str], None]) -> None:
        self.store = Store(database)
        self.vectors: Vectors | None = None
        self.last_access = self.store.noted("lastAccess")
        self._db, self._settings, self._token, self._on_broken = database, settings, token, on_broken
        self._copying = threading.Lock()

    def admit(self, exchange: Exchange) -> bool:
        """Whether it shows the token; only who asks for its health need not."""
        return exchange.segments == ["healthz"] or door.opens(self._token, exchange.headers.get("authorization", ""))

    def adopt(self, settings: Settings, vectors: Vectors | None) -> None:
        """From now on."""
        self._settings, self.vectors = settings, vectors

    def handle(self, exchange: Exchange) -> Answer:
        """Raises Refusal, and Gone."""
        try:
            return self._route(exchange)
        except Unfit as error:
            raise Refusal(413 if error.large else 400, str(error)) from error
        except NoEntry as error:
            raise Refusal(404, f"nothing is remembered at {str(error)[:200]!r}") from error
        except Full as error:
            raise Refusal(507, self._full(error)) from error
        except Unavailable as error:
            raise Refusal(503, f"the memory cannot be used just now ({error}): try again") from error
        except Broken as error:
            self._on_broken(str(error))
            raise Refusal(500, f"the memory's file is damaged ({error}); it is being set aside") from error

    def status(self) -> dict[str, Any]:
        """{"type", "sizeBytes", "usedBytes", "entries", "lastAccess", "embedding"?, "setAside"?}."""
        made: dict[str, Any] = {
            "type": self._settings.type,
            "sizeBytes": self._settings.size,
            "usedBytes": self._db.used(),
            "entries": self.store.count(),
            "lastAccess": self.last_access or None,
        }
        if self.vectors is not None:
            made["embedding"] = {"kind": self.vectors.kind, "message": self.vectors.trouble}
        if aside := self.store.noted("setAside"):
            made["setAside"] = aside
        return made

    def _route(self, exchange: Exchange) -> Answer:
        match exchange.segments, exchange.method:
            case ["healthz"], "GET" | "HEAD":
                return Answer(body={"ok": True})
            case ["v1", "status"], "GET":
                return Answer(body=self.status())
            case ["v1", "keys"], "GET":
                return self._keys(exchange.query)
            case ["v1", "search"], "GET":
                return self._search(exchange.query)
            case ["v1", "snapshot"], "GET" | "PUT":
                return self._snapshot(exchange)
            case ["v1", "keys", key], "GET" | "PUT" | "DELETE":
                return self._key(exchange, key)
            case ["v1", "keys", key, "append"], "POST":
                item = text.parse(exchange.body(text.VALUE_MOST))
                return self._wrote(Answer(body={"length": self.store.append(key, item)}))
            case ["healthz"] | ["v1", "status" | "keys" | "search" | "snapshot"] | ["v1", "keys", _], _:
                raise Refusal(405, f"{exchange.method[:20]} is not for this path")
        raise Refusal(404, "there is no such path: /v1/keys, /v1/search, /v1/status, /v1/snapshot")

    def _key(self, exchange: Exchange, key: str) -> Answer:
        if exchange.method == "GET":
            return self._seen(Answer(body={"key": key, "value": self.store.get(key)}))
        if exchange.method == "DELETE":
            self.store.delete(key)
            return self._seen(Answer(204))
        self.store.put(key, text.parse(exchange.body(text.VALUE_MOST)))
        return self._wrote(Answer(204))

    def _keys(self, query: dict[str, str]) -> Answer:
        prefix, after = query.get("prefix", ""), query.get("after", "")
        for given in (prefix, after):
            if given:
                text.check_key(given)
        return self._seen(Answer(body={"keys": self.store.keys(prefix, after, _number(query, "limit", 500, 1000))}))

    def _search(self, query: dict[str, str]) -> Answer:
        asked, limit = query.get("q", ""), _number(query, "limit", SEARCH_USUAL, SEARCH_MOST)
        if not asked or len(asked) > ASKED_MOST:
            raise Refusal(400, f"q is what to look for, 1 to {ASKED_MOST} characters")
        found = self.store.by_words(asked, limit)
        if self.vectors is not None:
            found = fuse(found, self.vectors.nearest(asked, limit))[:limit]
        there = self.store.entries([id for id, _ in found])
        matches = [
            {"key": there[id][0], "value": there[id][1], "score": round(score, 6)} for id, score in found if id in there
        ]
        return self._seen(Answer(body={"matches": matches}))

    def _snapshot(self, exchange: Exchange) -> Answer:
        if not self._copying.acquire(blocking=False):
            raise Refusal(409, "another snapshot is being taken or restored")
        try:
            if exchange.method == "GET":
                return Answer(file=snapshot.take(self._db))
            count = snapshot.restore(self._db, exchange.pieces(2 * self._settings.size))
            return self._wrote(Answer(body={"entries": count}))
        except OSError as error:
            raise Refusal(507, f"there is no room for a copy: {error.strerror}") from error
        finally:
            self._copying.release()

    def _seen(self, answer: Answer) -> Answer:
        self.last_access = times.to_text(time.time())
        return answer

    def _wrote(self, answer: Answer) -> Answer:
        if self.vectors is not None:
            try:
                self.vectors.settle()
            except Full:
                self.vectors.trouble = self.vectors.trouble or "there is no room for the vectors of new entries"
        return self._seen(answer)

    def _full(self, error: Full) -> str:
        size, used = self._settings.size, self._db.used()
        if error.disk:
            return f"the disk of the memory takes no more ({error}); what is there can be read"
        return f"the memory is full: {used} of {size} bytes are used; delete something, or give it a larger size"


def fuse(*rankings: list[Score]) -> list[Score]:
    """One ranking of several, by places alone: their scores mean different things. The best possible is 1."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for place, (id, _) in enumerate(ranking):
            scores[id] = scores.get(id, 0.0) + _LEVEL / (_LEVEL + place) / len(rankings)
    return sorted(scores.items(), key=lambda one: (-one[1], one[0]))


def _number(query: dict[str, str], name: str, usual: int, most: int) -> int:
    told = query.get(name, "")
    if told and not (told.isascii() and told.isdecimal() and len(told) < 10 and int(told)):
        raise Refusal(400, f"{name} is a number from 1 to {most}")
    return min(int(told), most) if told else usual
