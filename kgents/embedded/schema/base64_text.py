"""Bytes in JSON as Go reads them: standard base64, in as many lines as one likes, written back in one."""

from __future__ import annotations

import base64
import string

from kgents.embedded.schema.node import Node

_ALPHABET = frozenset(string.ascii_letters + string.digits + "+/")
_BREAKS = {ord("\r"): None, ord("\n"): None}
_QUANTUM = 4


def holds_bytes(node: Node) -> bool:
    """Whether a place in the schema takes base64."""
    return node.source.get("format") == "byte"


def canonical(text: str) -> str:
    """The same bytes as Go writes them. Raises ValueError with Go's words, such as a Secret's author gets to see."""
    joined = text.translate(_BREAKS)
    digits = joined.rstrip("=")
    padding = len(joined) - len(digits)
    wrong = next((index for index, letter in enumerate(digits) if letter not in _ALPHABET), None)
    if wrong is None and (padding > 2 or len(joined) % _QUANTUM or len(digits) % _QUANTUM == 1):
        wrong = len(digits) if padding else len(joined) // _QUANTUM * _QUANTUM
    if wrong is not None:
        raise ValueError(f"illegal base64 data at input byte {wrong}")
    return base64.b64encode(base64.b64decode(joined)).decode()
