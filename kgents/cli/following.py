"""`--watch` and `-f`: changes as they happen, one line each, or a table that stays up to date on a terminal."""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from kgents.api import paths
from kgents.api.errors import KgentsError
from kgents.cli.columns import Column, Row, Sheet
from kgents.cli.dating import dated, frozen_line
from kgents.cli.live_rows import LiveRows
from kgents.cli.output import aligned, event_line, on_terminal, yaml_text
from kgents.cli.session import Session, tell
from kgents.glass.answer import Source
from kgents.glass.look import POLL_SECONDS

Event = tuple[str, bytes, Source]
TICK = 0.5
"""Seconds after which a table is drawn anew though nothing was heard: ages and strengths move by themselves."""
_GAPS = "   "
_MARKS = {"ADDED": "+ ", "MODIFIED": "~ ", "DELETED": "- "}


def follow(
    session: Session,
    id: str,
    sheet: Sheet,
    output: str,
    *,
    everywhere: bool,
    arguments: dict[str, Any] | None = None,
    names: dict[str, str] | None = None,
) -> None:
    """A live table on a terminal, else a line for each change. Ends when interrupted."""
    events = session.glass.watch(
        id,
        namespace=session.namespace,
        bindings=names or {},
        arguments=arguments or {},
        pause=lambda: time.sleep(POLL_SECONDS),
    )
    live = LiveRows(sheet, float((arguments or {}).get("minIntensity") or 0.0))
    if output in ("table", "wide") and on_terminal():
        _draw(events, session, sheet, live, (arguments or {}).get("limit"), output, everywhere)
    else:
        _print_lines(events, session, paths.entry(id).path(**(names or {})), sheet, live, output, everywhere=everywhere)


def _draw(
    events: Iterator[Event],
    session: Session,
    sheet: Sheet,
    live: LiveRows,
    limit: int | None,
    output: str,
    everywhere: bool,
) -> None:
    from rich.console import Console
    from rich.live import Live

    from kgents.cli.output import coloured
    from kgents.cli.pretty import table

    console = Console(no_color=not coloured(), highlight=False)
    source, frozen = Source("cortex"), ""
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as screen:
        for heard in _ticking(events):
            for type, item, _ in heard:
                if type == "BRAKES":
                    frozen = _frozen(item)
                else:
                    live.hear(type, item, time.time())
            source = heard[-1][2] if heard else source
            rows = live.shown(time.time())
            columns = sheet.chosen(wide=output == "wide", everywhere=everywhere, rows=rows)
            title = f"{live.count} {sheet.noun} · {session.place} · {dated(source)}" + (f"\n{frozen}" if frozen else "")
            room = min(limit or len(rows), max(console.height - 5, 1))
            screen.update(table(rows[:room], columns, title, source, console.width), refresh=True)


def _ticking(events: Iterator[Event]) -> Iterator[list[Event]]:
    """What was heard since the last time: at once where something was, and every TICK. Raises what `events` raises."""
    heard: queue.SimpleQueue[Event | KgentsError | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(events, heard.put), daemon=True).start()
    while True:
        batch: list[Event] = []
        try:
            found = heard.get(timeout=TICK)
            while True:
                if found is None:
                    return
                if isinstance(found, KgentsError):
                    raise found
                batch.append(found)
                found = heard.get_nowait()
        except queue.Empty:
            yield batch


def _listen(events: Iterator[Event], put: Callable[[Event | KgentsError | None], None]) -> None:
    try:
        for event in events:
            put(event)
    except KgentsError as error:
        put(error)  # raised again where it is shown
    finally:
        put(None)


def _print_lines(
    events: Iterator[Event],
    session: Session,
    path: str,
    sheet: Sheet,
    live: LiveRows,
    output: str,
    *,
    everywhere: bool,
) -> None:
    columns = sheet.chosen(wide=output == "wide", everywhere=everywhere)
    widths: list[int] = []
    told, frozen = "", None
    for type, item, source in events:
        if type == "BRAKES":
            frozen = json.loads(item)
            tell(_frozen(item) or "the hive is thawed")
            continue
        if source.layer != told:
            told = source.layer
            tell(f"{sheet.noun} · {session.place} · {dated(source)}")
        if type == "SYNCED":
            continue
        row = live.hear(type, item, time.time())
        if output == "json":
            line = event_line(path, type, json.dumps(row).encode(), source, frozen)
        else:
            line = _line(type, row, sheet, output, columns, widths)
        sys.stdout.write(line)
        sys.stdout.flush()


def _frozen(item: bytes) -> str:
    found = json.loads(item)
    return frozen_line(found) if found else ""


def _line(type: str, row: Row, sheet: Sheet, output: str, columns: list[Column], widths: list[int]) -> str:
    if output == "yaml":
        return f"---\n{yaml_text({'type': type, 'item': row})}"
    if output == "name":
        return f"{sheet.resource}/{row['name']}\n"
    mark = _MARKS.get(type, "  ")
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
