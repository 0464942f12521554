"""`--watch` and `-f`: changes as they happen, one line each, or a table that stays up to date on a terminal."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

from kgents.api import paths
from kgents.cli.columns import Column, Row, Sheet
from kgents.cli.dating import dated
from kgents.cli.output import aligned, event_line, on_terminal, yaml_text
from kgents.cli.session import Session, tell
from kgents.glass.answer import Source
from kgents.glass.look import POLL_SECONDS

Event = tuple[str, bytes, Source]
_GAPS = "   "


def follow_table(session: Session, id: str, sheet: Sheet, output: str, *, everywhere: bool, **names: str) -> None:
    """A live table on a terminal, else a line for each change. Ends when interrupted."""
    events = _events(session, id, {}, names)
    if output not in ("table", "wide") or not on_terminal():
        _print_lines(events, session, paths.entry(id).path(**names), sheet, output, everywhere=everywhere)
        return
    from rich.console import Console
    from rich.live import Live

    from kgents.cli.output import coloured
    from kgents.cli.pretty import table

    columns = sheet.chosen(wide=output == "wide", everywhere=everywhere)
    rows: dict[str, Row] = {}
    console = Console(no_color=not coloured(), highlight=False)
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        for type, item, source in events:
            _note(rows, type, item)
            shown = sorted(rows.values(), key=lambda row: (str(row.get("namespace")), str(row.get("name"))))
            title = f"{len(shown)} {sheet.noun} · {session.place} · {dated(source)}"
            live.update(table(shown, columns, title, source, console.width), refresh=True)


def follow_lines(
    session: Session, id: str, sheet: Sheet, output: str, arguments: dict[str, Any], *, everywhere: bool
) -> None:
    """A line for each change. Ends when interrupted."""
    events = _events(session, id, arguments, {})
    _print_lines(events, session, paths.entry(id).path(), sheet, output, everywhere=everywhere)


def _events(session: Session, id: str, arguments: dict[str, Any], names: dict[str, str]) -> Iterator[Event]:
    return session.glass.watch(
        id, namespace=session.namespace, bindings=names, arguments=arguments, pause=lambda: time.sleep(POLL_SECONDS)
    )


def _print_lines(
    events: Iterator[Event], session: Session, path: str, sheet: Sheet, output: str, *, everywhere: bool
) -> None:
    columns = sheet.chosen(wide=output == "wide", everywhere=everywhere)
    widths: list[int] = []
    told = ""
    for type, item, source in events:
        if source.layer != told:
            told = source.layer
            tell(f"{sheet.noun} · {session.place} · {dated(source)}")
        if type == "SYNCED":
            continue
        sys.stdout.write(_line(type, item, source, path, sheet, output, columns, widths))
        sys.stdout.flush()


def _line(
    type: str,
    item: bytes,
    source: Source,
    path: str,
    sheet: Sheet,
    output: str,
    columns: list[Column],
    widths: list[int],
) -> str:
    if output == "json":
        return event_line(path, type, item, source)
    row = json.loads(item)
    if output == "yaml":
        return f"---\n{yaml_text({'type': type, 'item': row})}"
    if output == "name":
        return f"{sheet.resource}/{row['name']}\n"
    mark = {"DELETED": "- ", "ADDED": "+ "}.get(type, "  ")
    header = "" if widths else "  " + aligned([row], columns)[0] + "\n"
    cells = [column.text(row) for column in columns]
    if not widths:
        widths += [max(len(column.title), len(text)) for column, text in zip(columns, cells, strict=True)]
    widths[:] = [max(width, min(len(text), 24)) for width, text in zip(widths, cells, strict=True)]
    padded = [
        text.rjust(width) if column.look in ("number", "bar") else text.ljust(width)
        for text, width, column in zip(cells, widths, columns, strict=True)
    ]
    return f"{header}{mark}{_GAPS.join(padded).rstrip()}\n"


def _note(rows: dict[str, Row], type: str, item: bytes) -> None:
    if type not in ("ADDED", "MODIFIED", "DELETED"):
        return
    row = json.loads(item)
    key = f"{row.get('namespace')}/{row.get('name')}"
    if type == "DELETED":
        rows.pop(key, None)
    else:
        rows[key] = row
