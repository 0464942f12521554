"""How busy each agent was in the last minutes: a byte a value, so that ten thousand agents cost little."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from cortex.scope import EVERYWHERE, Where

Key = tuple[str, str]
VALUES = 60
"""Values that are kept of an agent; the mirror measures one every five seconds."""
_UNKNOWN = 255


class History:
    """The measured activity (0 to 1, None for unknown) of agents by (namespace, name), the newest last."""

    def __init__(self) -> None:
        self._values: dict[Key, bytearray] = {}

    def note(self, key: Key, value: float | None) -> None:
        """Add a measurement; the oldest gives way."""
        kept = self._values.setdefault(key, bytearray())
        kept.append(_UNKNOWN if value is None else round(min(max(value, 0.0), 1.0) * 100))
        if len(kept) > VALUES:
            del kept[0]

    def forget(self, key: Key) -> None:
        self._values.pop(key, None)

    def rows(self, namespace: str = "", where: Where = EVERYWHERE) -> Iterator[bytes]:
        """{"namespace", "name", "values"} of every agent of which anything was measured, of one namespace or of all."""
        for key, kept in self._values.items():
            if (not namespace or key[0] == namespace) and key[0] in where and kept.count(_UNKNOWN) < len(kept):
                values = [None if one == _UNKNOWN else one / 100 for one in kept]
                yield orjson.dumps({"namespace": key[0], "name": key[1], "values": values})
