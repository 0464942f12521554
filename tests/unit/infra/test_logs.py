from __future__ import annotations

from pathlib import Path

from kgents.infra.logs import follow_lines, last_lines


def test_the_last_lines_are_shown(tmp_path: Path) -> None:
    log = tmp_path / "apiserver.log"
    log.write_text("one\ntwo\nthree\n")

    assert last_lines(log, 2) == ["two", "three"]


def test_an_empty_log_has_no_lines(tmp_path: Path) -> None:
    log = tmp_path / "apiserver.log"
    log.touch()

    assert last_lines(log, 5) == []


def test_following_shows_what_is_appended_and_waits_for_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "apiserver.log"
    log.write_text("old\n")
    lines = follow_lines([log])
    with log.open("a") as file:
        file.write("hal")
        file.flush()
        file.write("f\nnext\nun")
        file.flush()

        assert [next(lines), next(lines)] == [(log, "half"), (log, "next")]


def test_a_rotated_log_is_followed_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "apiserver.log"
    log.write_text("old\n")
    lines = follow_lines([log])
    with log.open("a") as file:
        file.write("a\n")
    assert next(lines) == (log, "a")

    log.rename(tmp_path / "apiserver.log.1")
    log.write_text("fresh\n")

    assert next(lines) == (log, "fresh")
