"""`kgents paths`: every operation there is, with its path."""

from __future__ import annotations

import json
from typing import Any

import typer

from kgents.api.entries import Entry
from kgents.api.paths import REGISTRY
from kgents.cli import options
from kgents.cli.columns import Column, key
from kgents.cli.output import aligned, yaml_text

_COLUMNS = [
    Column("PATH", key("path")),
    Column("", key("access")),
    Column("WHAT IT DOES", key("description")),
    Column("COMMAND", key("command")),
]
_WIDE = [Column("ARGUMENTS", key("takes")), Column("GHOST", key("ghost")), Column("KUBECTL", key("kubectl"))]


def paths(output: options.Output = "table") -> None:
    """Every operation, with its path, its arguments and what can answer it.

    Example: kgents paths -o wide
    """
    options.check_format(output)
    rows = [_row(entry) for entry in REGISTRY]
    if output == "json":
        typer.echo(json.dumps({"items": rows}))
    elif output == "yaml":
        typer.echo(yaml_text({"items": rows}), nl=False)
    elif output == "name":
        for row in rows:
            typer.echo(row["path"])
    else:
        for line in aligned(rows, _COLUMNS + (_WIDE if output == "wide" else [])):
            typer.echo(line)


def _row(entry: Entry) -> dict[str, Any]:
    required = {argument.name for argument in entry.arguments if argument.required}
    return {
        "id": entry.id,
        "path": entry.pattern,
        "access": "write" if entry.write else "read",
        "description": entry.description,
        "command": entry.command,
        "arguments": {argument.name: argument.type for argument in entry.arguments},
        "required": sorted(required),
        "takes": " ".join(one.name if one.required else f"[{one.name}]" for one in entry.arguments),
        "affordance": entry.affordance,
        "ghost": entry.ghost,
        "kubectl": entry.kubectl,
    }
