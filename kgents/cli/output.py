"""Printing answers: one shape for JSON and YAML, tables for people, plain columns for pipes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from kgents.cli.columns import Column, Row, Sheet
from kgents.cli.dating import dated, frozen_line
from kgents.cli.session import tell
from kgents.cli.shape import as_json, compact, frozen_part
from kgents.glass.answer import Answer, Source


def show(answer: Answer, sheet: Sheet, output: str, place: str, *, everywhere: bool = False) -> None:
    """Prints a list, or one, in the format asked for. What is not live is said on stderr, too."""
    for note in answer.notes:
        tell(f"kgents: {note}")
    if output in ("json", "yaml"):
        if answer.source.layer == "ghost":
            tell(dated(answer.source))
        sys.stdout.write(as_json(answer) if output == "json" else as_yaml(answer))
        return
    rows = answer.rows()
    if output == "name":
        sys.stdout.writelines(f"{sheet.resource}/{row['name']}\n" for row in rows)
        _say_source(answer, sheet, place)
        tell_frozen(answer.frozen)
        return
    columns = sheet.chosen(wide=output == "wide", everywhere=everywhere, rows=rows)
    if on_terminal():
        from kgents.cli.pretty import print_table

        print_table(rows, columns, f"{count(answer, sheet)} · {place} · {dated(answer.source)}", answer.source)
        if answer.source.layer == "ghost":
            tell(dated(answer.source))
    else:
        sys.stdout.writelines(f"{line}\n" for line in aligned(rows, columns))
        _say_source(answer, sheet, place)
    tell_frozen(answer.frozen)


def tell_frozen(frozen: Mapping[str, str] | None) -> None:
    """One line on stderr while the hive is frozen."""
    if frozen:
        tell(frozen_line(frozen))


def _say_source(answer: Answer, sheet: Sheet, place: str) -> None:
    tell(f"{count(answer, sheet)} · {place} · {dated(answer.source)}")


def count(answer: Answer, sheet: Sheet) -> str:
    """`5 agents`, or `50 of 12 000 agents` where the list is cut."""
    shown = len(answer.items)
    noun = sheet.noun.removesuffix("s") if max(shown, answer.total) == 1 else sheet.noun
    if answer.many and answer.total > shown:
        return f"{_grouped(shown)} of {_grouped(answer.total)} {noun}"
    return f"{_grouped(shown)} {noun}"


def as_yaml(answer: Answer) -> str:
    return yaml_text(json.loads(as_json(answer)))


def yaml_text(value: Any) -> str:
    import yaml

    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True))


def event_line(path: str, type: str, item: bytes, source: Source, frozen: dict[str, str] | None = None) -> str:
    """One change as one JSON object on one line."""
    stated = f"{compact(source.to_dict())}{frozen_part(frozen)}"
    head = f'{{"path":{json.dumps(path)},"source":{stated},"type":{json.dumps(type)}'
    return f'{head},"item":{item.decode() or "null"}}}\n'


def aligned(rows: list[Row], columns: list[Column]) -> list[str]:
    """Plain columns, as kubectl prints them."""
    if not rows:
        return []
    cells = [[column.title for column in columns], *([column.text(row) for column in columns] for row in rows)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    return [_padded(line, widths, columns) for line in cells]


def _padded(cells: list[str], widths: list[int], columns: list[Column]) -> str:
    padded = [
        cell.rjust(width) if column.look in ("number", "bar") else cell.ljust(width)
        for cell, width, column in zip(cells, widths, columns, strict=True)
    ]
    return "   ".join(padded).rstrip()


def on_terminal() -> bool:
    return sys.stdout.isatty()


def coloured() -> bool:
    return on_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", " ") if number >= 10_000 else str(number)
