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
from kgents.looks import DARK, EIGHTHS, HEALTH, HUES, LEVEL, NO_LOOK, OTHER_HUE, PHASE, Tone, share_tone

BAR_CELLS = 8
_GAP = 3
_WORDS: dict[str, Tone] = {**HEALTH, **LEVEL}


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
        header_style=DARK["quiet"],
        border_style=DARK["quiet"],
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
        return Text(text, style=DARK["quiet"])
    match column.look:
        case "phase":
            look = PHASE.get(text, NO_LOOK)
            return Text(f"{look.glyph} {text}", style=DARK[look.tone])
        case "bar":
            return bar(float(column.value(row)))
        case "type":
            return Text(text, style=HUES.get(text, OTHER_HUE))
        case "health" | "level":
            return Text(text, style=DARK[_WORDS.get(text, "text")])
        case "quiet":
            return Text(text, style=DARK["quiet"])
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
    drawn = "█" * full + (EIGHTHS[rest] if rest else "")
    return Text.assemble((drawn.ljust(BAR_CELLS), DARK[share_tone(share)]), (f" {value:.2f}", DARK["quiet"]))


def _title_style(source: Source) -> str:
    if source.layer != "ghost":
        return f"bold {DARK['activity']}"
    return f"bold {DARK['trouble' if source.staleness == 'old' else 'watch']}"
