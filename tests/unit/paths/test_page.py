from __future__ import annotations

from tests.support.path_table import PAGE, page


def test_the_page_of_paths_is_current() -> None:
    assert PAGE.read_text() == page(), "run python -m tests.support.path_table"
