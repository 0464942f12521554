from __future__ import annotations

from collections.abc import AsyncGenerator

from hypothesis import given
from hypothesis import strategies as st

from kgents.kube.lines import split_lines


async def pieces_of(pieces: list[bytes]) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        yield piece


@given(st.lists(st.lists(st.sampled_from([b"a", b"b", b"\n"]), max_size=6).map(b"".join), max_size=8))
async def test_lines_are_the_same_however_they_are_cut(pieces: list[bytes]) -> None:
    lines = [line async for line in split_lines(pieces_of(pieces), 1000)]
    whole = b"".join(pieces)
    assert lines == (whole.removesuffix(b"\n").split(b"\n") if whole else [])


async def test_a_line_without_end_is_cut() -> None:
    lines = [line async for line in split_lines(pieces_of([b"x" * 7, b"x" * 7]), 5)]
    assert (b"".join(lines), max(map(len, lines))) == (b"x" * 14, 5)
