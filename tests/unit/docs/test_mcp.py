"""The tools that people read of are those that are offered, and the numbers are those that are in force."""

from __future__ import annotations

import re

from kgents.mcp import fence, hive, offers
from tests.support.mcp_table import PAGE, page


def test_the_page_shows_the_table_as_it_is() -> None:
    text = PAGE.read_text()
    assert text == page(text), "run python -m tests.support.mcp_table"


def test_the_page_says_the_limits_that_are_in_force() -> None:
    said = {int(number.replace(" ", "")) for number in re.findall(r"\d[\d ]*", PAGE.read_text()) if number.strip()}
    limits = {offers.PAGE, offers.LARGEST_PAGE, offers.LINES, offers.MOST_LINES, fence.TEXT, fence.WHOLE, hive.LOG}
    assert limits <= said
