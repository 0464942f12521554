from __future__ import annotations

import stat
from pathlib import Path

import pytest

from cortex.journal import RECENT, Journal


def test_what_was_noted_is_read_back_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "w")
    journal.add({"n": 1})
    journal.add({"n": 2})
    journal.flush()

    assert journal.recent(10) == [b'{"n":1}', b'{"n":2}']
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600


def test_it_is_bounded_by_rotation(tmp_path: Path) -> None:
    journal = Journal(tmp_path, rotate_at=100, keep=3)
    for number in range(200):
        journal.add({"number": number})
        journal.flush()

    assert len(list(tmp_path.iterdir())) <= 4
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 1000


def test_a_line_that_a_crash_cut_short_is_left_out(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.path.write_bytes(b'{"n":1}\n{"n":')

    assert journal.recent(5) == [b'{"n":1}']


def test_a_disk_that_refuses_costs_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "blocked").write_text("")
    journal = Journal(tmp_path / "blocked")
    for _ in range(3):
        journal.add({"n": 1})
        journal.flush()

    assert len(caplog.records) == 1


def test_what_is_not_written_yet_is_recent_all_the_same(tmp_path: Path) -> None:
    Journal(tmp_path).path.write_bytes(b'{"n":1}\n')
    journal = Journal(tmp_path)
    journal.add({"n": 2})

    assert journal.recent() == [b'{"n":1}', b'{"n":2}']
    journal.flush()
    assert journal.recent() == [b'{"n":1}', b'{"n":2}']


def test_the_recent_lines_outlast_a_rotation_and_are_bounded(tmp_path: Path) -> None:
    journal = Journal(tmp_path, rotate_at=2000)
    for number in range(RECENT + 50):
        journal.add({"number": number})
        journal.flush()

    assert journal.recent()[-1] == b'{"number":%d}' % (RECENT + 49)
    assert len(journal.recent()) == RECENT
    following = Journal(tmp_path, rotate_at=2000).recent()
    assert following
    assert following == journal.recent()[-len(following) :]
