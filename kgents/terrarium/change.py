"""Pictures of a change: its diff, and its risk term by term. Rich renderables of values; text of the hive is data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich.style import Style
from rich.table import Table
from rich.text import Text

from kgents.api.governance.table import HIGH, MEDIUM
from kgents.looks import Tone, share_tone
from kgents.terrarium.draw import clean
from kgents.terrarium.ink import Ink

SIGNS: Final[dict[str, Tone]] = {"+": "well", "-": "trouble", "~": "watch"}
_LINE = re.compile(r"^([+~-]) (.+?): (.*)$", re.DOTALL)
_TERM = re.compile(r"^\+(\d+(?:\.\d+)?) (.*)$", re.DOTALL)
_VALUE = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\b(?:true|false|null)\b|→|‹[^›]*›|\*{3,}')
MOST: Final = 2000
"""Lines of a diff that are shown, for who decides should see all of it; how many more there are is said."""


def diff(lines: Sequence[str] | str | None, ink: Ink) -> Table | Text:
    """A line for each value that changes: its sign, its path, and its values as JSON is coloured."""
    given = lines.splitlines() if isinstance(lines, str) else [str(line) for line in lines or ()]
    if not given:
        return Text("nothing would change, or it has not been tried yet", ink.style("quiet"))
    table = Table.grid(padding=(0, 1, 0, 0), expand=True)
    table.add_column(width=1, no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for line in given[:MOST]:
        found = _LINE.match(line)
        sign, path, value = found.groups() if found else ("", "", line)
        tone = SIGNS.get(sign, "text")
        told = Text(clean(path), ink.style("text"))
        told.append("  " if path else "").append_text(_value(value, ink))
        table.add_row(Text(sign or "·", ink.style(tone, bold=True)), told)
    if len(given) > MOST:
        table.add_row("", Text(f"… {len(given) - MOST} more lines: y shows all", ink.style("quiet")))
    return table


def risk(total: float | None, reasons: Iterable[str], ink: Ink, width: int) -> Table | Text:
    """Bars on one scale, each beginning where the one before ends, up to the total; the two thresholds are marked."""
    if total is None:
        return Text("not weighed yet", ink.style("quiet"))
    room = 10 if width < 52 else 20 if width < 90 else 30
    quiet = ink.style("quiet")
    table = Table.grid(padding=(0, 1, 0, 0), expand=True)
    table.add_column(width=5, no_wrap=True, justify="right")
    table.add_column(width=room, no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    legend = f"a person from {MEDIUM:g}, with a reason from {HIGH:g}" if room > 10 else ""
    table.add_row("", _scale(room, quiet), Text(legend, quiet))
    so_far = 0.0
    for reason in reasons:
        term = _TERM.match(str(reason))
        if term is None:
            table.add_row("", _bar(so_far, so_far, room, ink), Text(clean(str(reason)), quiet))
            continue
        weight = float(term[1])
        figure = Text(f"+{weight:.2f}", ink.style("text"))
        table.add_row(figure, _bar(so_far, so_far + weight, room, ink), _because(term[2], ink))
        so_far += weight
    tone = share_tone(total)
    words = Text(_verdict(total), ink.style(tone, bold=True))
    table.add_row(Text(f"{total:.2f}", ink.style(tone, bold=True)), _bar(0.0, total, room, ink), words)
    return table


def trial(row: Mapping[str, Any], ink: Ink, width: int) -> Table:
    """A diff, and its risk below it."""
    table = Table.grid(expand=True)
    table.add_column(ratio=1)
    table.add_row(diff(row.get("diff"), ink))
    table.add_row("")
    figure = row.get("risk")
    table.add_row(risk(figure if isinstance(figure, (int, float)) else None, row.get("reasons") or (), ink, width))
    return table


def _verdict(total: float) -> str:
    if total < MEDIUM:
        return "low: merged by itself"
    return "medium: a person looks at it" if total < HIGH else "high: blocked until somebody lifts it"


def _because(text: str, ink: Ink) -> Text:
    """`image (spec.image): all of the code changes`: what it is in the text colour, why in quiet."""
    what, colon, why = clean(text).partition(": ")
    return Text(what, ink.style("text")).append(f"{colon}{why}", ink.style("quiet"))


def _value(text: str, ink: Ink) -> Text:
    cleaned = clean(text)
    told = Text(cleaned, ink.style("quiet"))
    for found in _VALUE.finditer(cleaned):
        told.stylize(_literal(found[0], ink), found.start(), found.end())
    return told


def _literal(text: str, ink: Ink) -> Style:
    if text == "→":
        return ink.style("quiet", bold=True)
    if text.startswith('"'):
        return ink.style("well")
    try:
        json.loads(text)
    except ValueError:
        return ink.style("deed")
    return ink.style("activity" if text[:1] in "-0123456789" else "deed")


def _place(share: float, width: int) -> int:
    return round(min(max(share, 0.0), 1.0) * width)


def _scale(width: int, style: Style) -> Text:
    """The figures over the bars: 0.3 and 0.7 where they are."""
    marks = [" "] * width
    for share in (MEDIUM, HIGH):
        at = _place(share, width) - 1
        for offset, sign in enumerate(f"{share:g}"[1:] if width < 15 else f"{share:g}"):
            marks[min(at + offset, width - 1)] = sign
    return Text("".join(marks), style)


def _bar(begin: float, end: float, width: int, ink: Ink) -> Text:
    """From `begin` to `end` of one; at least a cell where it is anything, and the thresholds in what is empty."""
    first = min(_place(begin, width), width - 1)
    last = max(_place(end, width), first + 1) if end > begin else first
    marks = {_place(share, width) for share in (MEDIUM, HIGH)}
    told = Text()
    for cell in range(width):
        if first <= cell < last:
            told.append("█", ink.style(share_tone(end)))
        else:
            told.append("┊" if cell in marks else "·", ink.style("quiet" if cell in marks else "line"))
    return told
