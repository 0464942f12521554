"""Acting as somebody else: who that is, and the headers that say so.

Who authenticates must be allowed to impersonate that user, his groups, his uid and every extra; the API server then
decides, and audits, as for that user himself.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass

from kgents.api.errors import Refused

_PLAIN = frozenset(string.ascii_lowercase + string.digits + "-._~")
Extra = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """A user, as the API server knows him. Two are equal when everything about them is."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Extra = ()

    def with_extra(self, key: str, value: str) -> Identity:
        """The same user, with one more extra."""
        others = tuple((name, values) for name, values in self.extra if name != key)
        before = next((values for name, values in self.extra if name == key), ())
        return Identity(self.name, self.uid, self.groups, (*others, (key, (*before, value))))

    def headers(self) -> Iterator[tuple[str, str]]:
        """`Impersonate-…`. Raises Refused for a user that cannot be told so that the server understands the same."""
        yield "Impersonate-User", _exactly(self.name)
        if self.uid:
            yield "Impersonate-Uid", _exactly(self.uid)
        for group in self.groups:
            yield "Impersonate-Group", _exactly(group)
        for key, values in self.extra:
            for value in values:
                yield f"Impersonate-Extra-{_escaped(_exactly(key))}", _exactly(value)


def _exactly(text: str) -> str:
    """`text`, if a header carries it as it is: spaces around it are lost on the way, and nothing would be nobody."""
    if not text or text != text.strip() or not text.isprintable():
        raise Refused(
            f"Nobody can act as this user: {text[:60]!r}", why="what stands in his identity fits no HTTP header"
        )
    return text


def _escaped(key: str) -> str:
    """Servers read a header's name in small letters, and undo the escapes after that: only so a capital arrives."""
    return "".join(chr(byte) if chr(byte) in _PLAIN else f"%{byte:02x}" for byte in key.encode())
