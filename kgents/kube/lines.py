"""Lines of a stream of bytes, however long they are and wherever the pieces are cut."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable


async def split_lines(pieces: AsyncIterable[bytes], longest: int) -> AsyncGenerator[bytes, None]:
    """Each line without its newline. One of more than `longest` bytes is cut into several: memory stays bounded."""
    rest = bytearray()
    async for piece in pieces:
        searched = len(rest)
        rest += piece
        start = 0
        while (end := rest.find(b"\n", max(start, searched))) >= 0:
            yield bytes(rest[start:end])
            start = end + 1
        del rest[:start]
        while len(rest) > longest:
            yield bytes(rest[:longest])
            del rest[:longest]
    if rest:
        yield bytes(rest)
