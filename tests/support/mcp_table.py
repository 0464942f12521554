"""The table of docs/mcp.md, made from what is offered: `python -m tests.support.mcp_table`."""

from __future__ import annotations

import re
from pathlib import Path

from kgents.mcp.offers import OFFERS, Offer

PAGE = Path(__file__).parents[2] / "docs" / "mcp.md"
_TABLE = re.compile(r"(<!-- tools: .*? -->\n).*?(<!-- end -->)", re.DOTALL)


def page(text: str) -> str:
    """`text` with the table as it should be."""
    rows = "".join(f"{_row(offer)}\n" for offer in OFFERS)
    table = f"\n| tool | resource | what for | path |\n|---|---|---|---|\n{rows}\n"
    return _TABLE.sub(lambda found: found[1] + table + found[2], text)


def _row(offer: Offer) -> str:
    resource = f"`{offer.uri}`" if offer.uri else "–"
    return f"| `{offer.tool}` | {resource} | {offer.entry.description} | `{offer.entry.pattern}` |"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
