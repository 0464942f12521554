from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from kgents.embedded.runtime.cri import BLOCK, LONGEST_JOINED, Joiner, Options, read
from kgents.embedded.runtime.launcher.shim import LONGEST_LINE, Log


def line(text: str, tag: str = "F", stream: str = "stdout", second: int = 0) -> bytes:
    return f"2026-01-01T00:00:{second:02d}.000000000Z {stream} {tag} {text}\n".encode()


async def everything(folder: Path, options: Options = Options(), ended: bool = True) -> bytes:  # noqa: B008
    return b"".join([chunk async for chunk in read(folder, options, lambda: ended)])


def write(folder: Path, *lines: bytes, name: str = "log") -> None:
    with (folder / name).open("ab") as file:
        file.write(b"".join(lines))


async def test_the_older_file_comes_first(tmp_path: Path) -> None:
    write(tmp_path, line("a"), name="log.1")
    write(tmp_path, line("b"))

    assert await everything(tmp_path) == b"a\nb\n"


async def test_without_a_file_there_is_nothing(tmp_path: Path) -> None:
    assert await everything(tmp_path) == b""
    assert await everything(tmp_path, Options(tail=3, follow=True)) == b""


@pytest.mark.parametrize(("count", "found"), [(0, b""), (1, b"d\n"), (3, b"b\nc\nd\n"), (4, b"a\nb\nc\nd\n")])
async def test_a_tail_reaches_over_both_files(tmp_path: Path, count: int, found: bytes) -> None:
    write(tmp_path, line("a"), line("b"), name="log.1")
    write(tmp_path, line("c"), line("d"))

    assert await everything(tmp_path, Options(tail=count)) == found


async def test_a_tail_is_right_wherever_blocks_end(tmp_path: Path) -> None:
    texts = [f"{number} " + "x" * (number % 97) for number in range(3 * BLOCK // 80)]
    write(tmp_path, *(line(text) for text in texts))

    for count in (1, 100, 1000, len(texts) - 1, len(texts), len(texts) + 1):
        assert (await everything(tmp_path, Options(tail=count))).decode().splitlines() == texts[-count:]


async def test_pieces_of_a_line_are_joined_and_count_as_one(tmp_path: Path) -> None:
    write(tmp_path, line("first"), line("sec", "P"), line("o", "P"), line("nd"))

    assert await everything(tmp_path, Options(tail=1)) == b"second\n"
    assert await everything(tmp_path, Options(timestamps=True)) == (
        b"2026-01-01T00:00:00.000000000Z first\n2026-01-01T00:00:00.000000000Z second\n"
    )


def test_streams_are_not_mixed_within_a_line() -> None:
    joiner = Joiner()
    lines = line("out", "P") + line("trouble", stream="stderr") + line("put")

    assert joiner.feed(lines.splitlines()) == b"trouble\noutput\n"


def test_an_endless_line_is_not_kept_back_for_ever() -> None:
    joiner = Joiner()
    piece = line("x" * LONGEST_LINE, "P").rstrip()

    given = b"".join(joiner.feed([piece]) for _ in range(200))

    assert len(given) > LONGEST_JOINED
    assert len(given + joiner.rest().rstrip()) == 200 * LONGEST_LINE


async def test_a_half_written_line_waits(tmp_path: Path) -> None:
    write(tmp_path, line("whole"), line("half")[:-3])

    assert await everything(tmp_path) == b"whole\n"
    assert await everything(tmp_path, Options(tail=1)) == b"whole\n"


async def test_torn_lines_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, b"\0\0\0\n", b"no log line\n", line("good"))

    assert await everything(tmp_path) == b"good\n"


async def test_only_what_came_since(tmp_path: Path) -> None:
    write(tmp_path, *(line(str(second), second=second) for second in range(5)))

    assert await everything(tmp_path, Options(since=b"2026-01-01T00:00:03.000000000Z")) == b"3\n4\n"


async def test_a_limit_cuts_to_the_byte(tmp_path: Path) -> None:
    write(tmp_path, line("hello"), line("world"))

    assert await everything(tmp_path, Options(limit=8)) == b"hello\nwo"


async def test_what_is_written_meanwhile_does_not_keep_a_reader_for_ever(tmp_path: Path) -> None:
    write(tmp_path, *(line("x" * 1000) for _ in range(200)))
    found = 0

    async for chunk in read(tmp_path, Options(), lambda: False):
        found += chunk.count(b"\n")
        write(tmp_path, *(line("x" * 1000) for _ in range(200)))

    assert found == 200


async def test_following_loses_nothing_over_rotations(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"), 4000)
    over, chunks = asyncio.Event(), []

    async def follow() -> None:
        async for chunk in read(tmp_path, Options(follow=True), over.is_set):
            chunks.append(chunk)

    task = asyncio.create_task(follow())
    wanted = [f"line {number}" for number in range(300)]
    for text in wanted:
        log.feed("stdout", f"{text}\n".encode())
        if log.size < 100:
            # Just rotated: let the reader catch up, for only one older file is kept.
            while wanted.index(text) > b"".join(chunks).count(b"\n"):
                await asyncio.sleep(0)
    over.set()
    await task

    assert b"".join(chunks).decode().splitlines() == wanted


async def test_what_was_written_right_before_the_end_is_given(tmp_path: Path) -> None:
    write(tmp_path, line("a"))

    def ended() -> bool:
        write(tmp_path, line("last"))
        return True

    assert b"".join([c async for c in read(tmp_path, Options(follow=True, tail=0), ended)]) == b"last\n"


async def test_a_reader_leaves_no_file_open(tmp_path: Path) -> None:
    write(tmp_path, line("a"), name="log.1")
    write(tmp_path, line("b"))

    chunks = read(tmp_path, Options(follow=True), lambda: False)
    await anext(chunks)
    assert opened(tmp_path) == {"log", "log.1"}
    await chunks.aclose()

    assert opened(tmp_path) == set()


def opened(folder: Path) -> set[str]:
    """The names of the files in `folder` that this process has open."""
    files = {Path(f"/proc/self/fd/{fd}").resolve() for fd in os.listdir("/proc/self/fd")}  # noqa: PTH208
    return {file.name for file in files if file.parent == folder.resolve()}
