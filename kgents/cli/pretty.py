"""Tables for a terminal, with rich: calm colours, a glyph for each phase, bars in eighths, numbers to the right."""

from __future__ import annotations

from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kgents.cli.columns import GONE, UNKNOWN, Column, Row
from kgents.cli.output import coloured
from kgents.glass.answer import Source

MOSS, AMBER, EMBER = "#8fbf6f", "#e3b34d", "#e2704a"
SKY, LILAC, QUIET = "#6fb3c9", "#a98fd0", "#66756a"
PHASES = {
    "Running": ("●", MOSS),
    "Degraded": ("◐", AMBER),
    "Safemode": ("◍", LILAC),
    "Failed": ("✖", EMBER),
    "Suspended": ("○", QUIET),
    "Pending": ("◌", SKY),
    "Terminating": ("◌", QUIET),
    "Reviewing": ("◐", AMBER),
    "Blocked": ("✖", EMBER),
    "Approved": ("◌", SKY),
    "Merged": ("●", MOSS),
    "Rejected": ("✖", EMBER),
    "RolledBack": ("○", LILAC),
}
TYPES = {"WARNING": EMBER, "SCARCITY": AMBER, "CHAOS": EMBER, "OPPORTUNITY": MOSS, "CAPABILITY": MOSS, "DREAM": LILAC}
WORDS = {
    "Healthy": MOSS,
    "Degraded": AMBER,
    "Unresponsive": EMBER,
    "Unknown": QUIET,
    "Low": MOSS,
    "Medium": AMBER,
    "High": EMBER,
}
_EIGHTHS = " ▏▎▍▌▋▊▉█"
BAR_CELLS = 8
_GAP = 3


def print_table(rows: list[Row], columns: list[Column], title: str, source: Source) -> None:
    """Prints the rows on stdout, under a title that says where they came from."""
    console = Console(no_color=not coloured(), highlight=False, emoji=False, markup=False)
    console.print(table(rows, columns, title, source, console.width), crop=True)


def table(rows: list[Row], columns: list[Column], title: str, source: Source, width: int) -> Table:
    """The table itself, for a live display, too. What is old is dimmed; where space is short, long texts are cut."""
    made = Table(
        title=Text(title, style=_title_style(source)),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        header_style=QUIET,
        border_style=QUIET,
        pad_edge=False,
        padding=(0, 1),
        style="dim" if source.staleness == "old" else "",
    )
    lines = [[cell(column, row) for column in columns] for row in rows]
    for column, size in zip(columns, _widths(columns, lines, width), strict=True):
        justify: Literal["left", "right"] = "right" if column.look == "number" else "left"
        made.add_column(column.title, justify=justify, no_wrap=True, overflow="ellipsis", width=size)
    for row, line in zip(rows, lines, strict=True):
        if row.get(GONE):
            line[0] = Text(f"✕ {line[0].plain}")
        made.add_row(*line, style="dim strike" if row.get(GONE) else "dim" if source.staleness == "old" else "")
    return made


def _widths(columns: list[Column], lines: list[list[Text]], width: int) -> list[int]:
    """Each column as wide as its widest cell; texts share what is left of `width`."""
    widest = [
        max([len(column.title), *(line[index].cell_len for line in lines)]) for index, column in enumerate(columns)
    ]
    texts = [index for index, column in enumerate(columns) if column.look == "text"]
    left = width - _GAP * (len(columns) - 1) - sum(size for index, size in enumerate(widest) if index not in texts)
    for nth, index in enumerate(texts):
        share = max(left // (len(texts) - nth), len(columns[index].title))
        widest[index] = min(widest[index], share)
        left -= widest[index]
    return widest


def cell(column: Column, row: Row) -> Text:
    """One cell, in the colour that its meaning has."""
    text = column.text(row)
    if text == UNKNOWN:
        return Text(text, style=QUIET)
    match column.look:
        case "phase":
            glyph, colour = PHASES.get(text, ("·", QUIET))
            return Text(f"{glyph} {text}", style=colour)
        case "bar":
            return bar(float(column.value(row)))
        case "type":
            return Text(text, style=TYPES.get(text, SKY))
        case "health" | "level":
            return Text(text, style=WORDS.get(text, ""))
        case "quiet":
            return Text(text, style=QUIET)
        case "name":
            return Text(text, style="bold")
        case _:
            return Text(text)


def bar(value: float) -> Text:
    """A share of one in eighth blocks, and the figure: `███▌     0.44`."""
    share = min(max(value, 0.0), 1.0)
    eighths = round(share * BAR_CELLS * 8)
    if share > 0:
        eighths = max(eighths, 1)
    full, rest = divmod(eighths, 8)
    drawn = "█" * full + (_EIGHTHS[rest] if rest else "")
    colour = EMBER if share >= 0.75 else AMBER if share >= 0.4 else MOSS
    return Text.assemble((drawn.ljust(BAR_CELLS), colour), (f" {value:.2f}", QUIET))


def _title_style(source: Source) -> str:
    if source.layer != "ghost":
        return f"bold {SKY}"
    return f"bold {EMBER}" if source.staleness == "old" else f"bold {AMBER}"
