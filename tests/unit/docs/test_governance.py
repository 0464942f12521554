"""The risk table that people read is the one that is in force."""

from __future__ import annotations

from tests.support.risk_table import PAGE, page


def test_the_page_shows_the_table_as_it_is():
    text = PAGE.read_text()
    assert text == page(text), "run python -m tests.support.risk_table"
