"""What led to a signal, as far as the signals that are still there tell. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kgents.terrarium.hive import Key, Signal

DEPTH = 6
_NAMED = re.compile(r"\bPheromone ([a-z0-9.-]+)")


def tree_of(key: Key, signals: Mapping[Key, Signal], above: tuple[Key, ...] = ()) -> list[dict[str, Any]]:
    """As `kgents.api.operations.why`: {"text", "children"} for each cause. Circles end where they close."""
    signal = signals.get(key)
    if signal is None or len(above) >= DEPTH:
        return []
    made = []
    for cause in signal.row.get("causedBy") or ():
        text = str(cause)
        named = _NAMED.search(text)
        deeper = (key[0], named[1]) if named else None
        follow = deeper is not None and deeper != key and deeper not in above
        children = tree_of(deeper, signals, (*above, key)) if deeper is not None and follow else []
        made.append({"text": text, "children": children})
    return made
