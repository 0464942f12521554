"""The risk table in docs/governance.md, made from the table itself: `python -m tests.support.risk_table`."""

from __future__ import annotations

from pathlib import Path

from kgents.api.governance.table import ROWS

PAGE = Path(__file__).parents[2] / "docs" / "governance.md"
BEGIN, END = "<!-- risk table: python -m tests.support.risk_table -->\n", "<!-- end -->\n"


def page(text: str) -> str:
    """`text` with the table as it is now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    rows = "".join(f"| `{row.id}` | {row.weight:g} | {row.what} | {row.why} |\n" for row in ROWS)
    return f"{before}{BEGIN}\n| row | adds | for | because |\n|---|---|---|---|\n{rows}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
