"""How meaning becomes numbers: by an endpoint that makes embeddings, else by likeness of words, which is said."""

from __future__ import annotations

import json
import math
import re
import zlib
from array import array
from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

from kgents.symbionts.memory.settings import Endpoint

TEXT_MOST = 8000
"""Characters of an entry that are embedded: models take no more, and the beginning says what it is about."""
PATIENCE = 20.0
ANSWER_MOST = 16 << 20
DIMENSIONS_MOST = 4096
_WORD = re.compile(r"\w+")


class NoEmbedding(Exception):
    """The endpoint does not answer, or not with embeddings."""


class Embedder(Protocol):
    """`name` tells vectors of different makers apart: only those of one are compared."""

    name: str
    remote: bool

    def embed(self, texts: Sequence[str]) -> list[array[float]]:
        """A vector of length 1 for each text. Raises NoEmbedding."""


class Likeness:
    """Likeness of spelling: hashed character trigrams of words. It knows nothing of meaning."""

    name = "words-1"
    remote = False
    size = 256

    def embed(self, texts: Sequence[str]) -> list[array[float]]:
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> array[float]:
        made = array("f", bytes(4 * self.size))
        for word in _WORD.findall(text[:TEXT_MOST].casefold()):
            for piece in (f"<{word}>", *(f"<{word}>"[at : at + 3] for at in range(len(word)))):
                hashed = zlib.crc32(piece.encode("utf-8", "replace"))
                made[hashed % self.size] += 1.0 if hashed & 0x8000_0000 else -1.0
        return unit(made)


class Remote:
    """The `/embeddings` of an OpenAI-compatible endpoint."""

    remote = True

    def __init__(self, endpoint: Endpoint, key: str) -> None:
        self.name = f"{endpoint.url} {endpoint.model}"
        self._endpoint, self._key = endpoint, key

    def embed(self, texts: Sequence[str]) -> list[array[float]]:
        wanted = {"model": self._endpoint.model, "input": [text[:TEXT_MOST] or " " for text in texts]}
        try:
            rows = sorted(self._ask(wanted)["data"], key=lambda row: int(row["index"]))
            made = [unit(array("f", row["embedding"])) for row in rows]
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise NoEmbedding(f"{self._endpoint.url} does not answer with embeddings ({error})") from error
        if len(made) != len(texts) or len({len(one) for one in made}) != 1 or not 0 < len(made[0]) <= DIMENSIONS_MOST:
            raise NoEmbedding(f"{self._endpoint.url} answers with other embeddings than were asked for")
        return made

    def _ask(self, wanted: dict[str, Any]) -> Any:
        # Only who has an endpoint pays for these: ssl alone is some megabytes.
        import http.client

        where = urlsplit(self._endpoint.url)
        maker = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        try:
            connection = maker(where.hostname or "", where.port, timeout=PATIENCE)
            try:
                path = where.path.rstrip("/") + "/embeddings"
                connection.request("POST", path, json.dumps(wanted).encode(), headers)
                answer = connection.getresponse()
                data = answer.read(ANSWER_MOST)
            finally:
                connection.close()
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise NoEmbedding(f"{self._endpoint.url} does not answer ({error})") from error
        if answer.status != 200:
            said = data[:200].decode("utf-8", "replace").replace(self._key or "\0", "…")
            raise NoEmbedding(f"{self._endpoint.url} answers {answer.status} for the model {wanted['model']!r}: {said}")
        return json.loads(data)


def unit(vector: array[float]) -> array[float]:
    """The same direction, of length 1; without a direction as it is. Raises ValueError for what is no number."""
    length = math.sqrt(sum(number * number for number in vector))
    if not math.isfinite(length):
        raise ValueError("a number in it is none")
    return array("f", (number / length for number in vector)) if length else vector
