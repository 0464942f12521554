"""The words of a value: what is searched, and how a question is asked so that nothing in it is a command."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

KEY_MOST, VALUE_MOST, DEPTH_MOST = 1024, 1 << 20, 64
WORDS_MOST = 32
_WORD = re.compile(r"\w+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Unfit(Exception):
    """What cannot be kept, and why: `large` when only its size is wrong."""

    def __init__(self, message: str, *, large: bool = False) -> None:
        super().__init__(message)
        self.large = large


def check_key(key: str) -> str:
    """A key is any text without control characters, of 1 to 1024 bytes. Raises Unfit."""
    if not key or len(key.encode("utf-8", "surrogatepass")) > KEY_MOST:
        raise Unfit(f"a key has 1 to {KEY_MOST} bytes")
    if _CONTROL.search(key) or any("\ud800" <= letter <= "\udfff" for letter in key):
        raise Unfit("a key has no control characters")
    return key


def parse(data: bytes) -> Any:
    """A JSON value. Raises Unfit."""
    try:
        value = json.loads(data.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Unfit(f"the value is not JSON: {str(error)[:200]}") from None
    if _depth(value) > DEPTH_MOST:
        raise Unfit(f"a value is nested {DEPTH_MOST} deep at most")
    return value


def to_json(value: Any) -> str:
    """As it is kept. Raises Unfit."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise Unfit("the value holds half of a character (a lone surrogate)") from None
    if size > VALUE_MOST:
        raise Unfit(f"a value has at most {VALUE_MOST} bytes as JSON, this one {size}", large=True)
    return text


def words_of(key: str, value: Any) -> str:
    """The key and every text and number in the value, for searching."""
    return _CONTROL.sub(" ", " ".join([key, *_texts(value)]))


def question(asked: str) -> str:
    """A question of full-text search in which every word is only a word; "" when there is none."""
    words = list(dict.fromkeys(_WORD.findall(asked)))[:WORDS_MOST]
    return " OR ".join(f'"{word}"' for word in words)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield name
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _depth(value: Any) -> int:
    deep, level = 0, [value]
    while level and deep <= DEPTH_MOST:
        inner = [list(one.values()) if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level, deep = [one for group in inner for one in group], deep + 1
    return deep


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
