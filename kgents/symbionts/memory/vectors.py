"""Entries by meaning: a vector for each, and the nearest of them.

Likeness of words is always there. Where an endpoint makes embeddings, theirs come beside it, after the write, so that
nobody waits for a model; while it does not answer, likeness of words has to do, and `trouble` says so.
"""

from __future__ import annotations

import heapq
import json
import threading
import time
from array import array
from operator import mul

from kgents.symbionts.memory import text
from kgents.symbionts.memory.database import Database, Full
from kgents.symbionts.memory.embedding import Embedder, Likeness, NoEmbedding, Remote
from kgents.symbionts.memory.settings import Endpoint
from kgents.symbionts.memory.store import Score

BATCH = 16
LOOKED_AT_MOST = 10_000
"""Vectors that one question is compared with, the newest first: without an index each costs some 10 µs."""
LEAST_LIKE = 0.05
RETRY = 30.0


class Vectors:
    """`trouble` says why the endpoint is not used, "" when it is, or when there is none."""

    def __init__(self, database: Database, endpoint: Endpoint | None, key: str) -> None:
        self.trouble = ""
        self._db = database
        self._local = Likeness()
        self._remote = Remote(endpoint, key) if endpoint else None
        self._retry_at = 0.0
        self._work = threading.Lock()

    @property
    def kind(self) -> str:
        """Whose vectors are compared now: `Endpoint` or `WordLikeness`."""
        return "Endpoint" if self._remote and not self.trouble else "WordLikeness"

    def settle(self) -> None:
        """Gives likeness to all entries that have none. Raises Full."""
        with self._work:
            while self._batch(self._local):
                pass

    def catch_up(self) -> None:
        """Gives the endpoint's vectors to entries that have none, unless it failed a moment ago."""
        if self._remote is None or time.monotonic() < self._retry_at:
            return
        try:
            while self._batch(self._remote):
                pass
            self._retry_at = 0.0
        except NoEmbedding as error:
            self._fail(str(error))
        except Full:
            self._fail("there is no room for the vectors of the endpoint")

    def nearest(self, asked: str, limit: int) -> list[Score]:
        """The entries whose vectors point the way of the question's, by cosine from 1 down; the unlike left out."""
        embedder: Embedder = self._local
        question = self._local.embed([asked])[0]
        if self._remote is not None and time.monotonic() >= self._retry_at:
            try:
                question, embedder = self._remote.embed([asked])[0], self._remote
                self.trouble, self._retry_at = "", 0.0
            except NoEmbedding as error:
                self._fail(str(error))
        with self._db.reading() as db:
            rows = db.execute(
                "SELECT id, vector FROM vectors WHERE embedder = ? ORDER BY id DESC LIMIT ?",
                (embedder.name, LOOKED_AT_MOST),
            )
            scored = ((id, _cosine(question, vector)) for id, vector in rows)
            return heapq.nlargest(limit, (one for one in scored if one[1] >= LEAST_LIKE), key=lambda one: one[1])

    def _fail(self, why: str) -> None:
        self.trouble, self._retry_at = why, time.monotonic() + RETRY

    def _batch(self, embedder: Embedder) -> int:
        with self._db.reading() as db:
            rows = db.execute(
                "SELECT e.id, e.key, e.value FROM entries e LEFT JOIN vectors v ON v.id = e.id AND v.embedder = ?"
                " WHERE v.id IS NULL ORDER BY e.id DESC LIMIT ?",
                (embedder.name, BATCH),
            ).fetchall()
        if not rows:
            return 0
        made = embedder.embed([text.words_of(key, json.loads(value)) for _, key, value in rows])
        with self._db.writing() as db:
            for (id, *_), vector in zip(rows, made, strict=True):
                # Only for an entry that is still there; a rewritten one has another id.
                db.execute(
                    "INSERT OR REPLACE INTO vectors SELECT id, ?, ? FROM entries WHERE id = ?",
                    (embedder.name, vector.tobytes(), id),
                )
        return len(rows)


def _cosine(one: array[float], other: bytes) -> float:
    vector = array("f", other)
    return sum(map(mul, one, vector)) if len(vector) == len(one) else 0.0
