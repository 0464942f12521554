"""`kgents ghost …`: the last known state, as it lies on this disk."""

from __future__ import annotations

import json
import time
from typing import Annotated

import typer

from kgents.api.errors import UsageError
from kgents.cli import options
from kgents.cli.asking import confirm
from kgents.cli.columns import AGENTS, PROPOSALS, SIGNALS, Column, key
from kgents.cli.dating import spelled
from kgents.cli.output import aligned, show
from kgents.cli.session import open_session, tell
from kgents.glass.ghost import EntryInfo
from kgents.glass.look import Freshness

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="The last known state, on this disk."
)
_SHEETS = {
    "agents": ("agents.list", AGENTS),
    "signals": ("pheromones.sense", SIGNALS),
    "proposals": ("proposals.list", PROPOSALS),
}
_COLUMNS = [
    Column("ENTRY", key("entry")),
    Column("ITEMS", key("items"), "number"),
    Column("BYTES", key("bytes"), "number"),
    Column("AGE", key("age"), "number"),
    Column("STALENESS", key("staleness")),
]


@app.command("show")
def show_entry(
    what: Annotated[str, typer.Argument(help="agents, signals or proposals.")] = "agents",
    namespace: options.Namespace = None,
    all_namespaces: options.AllNamespaces = False,
    output: options.Output = "table",
    context: options.Context = None,
) -> None:
    """What is remembered, with its age.

    Example: kgents ghost show signals -A
    """
    options.check_format(output)
    if what not in _SHEETS:
        raise UsageError(f"The ghost holds no “{what[:60]}”", why=f"it holds {', '.join(_SHEETS)}")
    id, sheet = _SHEETS[what]
    session = open_session(context, namespace, everywhere=all_namespaces, ghost_only=True)
    answer = session.read(id, Freshness(ghost_only=True))
    show(answer, sheet, output, session.place, everywhere=all_namespaces)


@app.command()
def status(output: options.Output = "table", context: options.Context = None) -> None:
    """What is on this disk, and how old each part of it is.

    Example: kgents ghost status
    """
    options.check_format(output, ("table", "json"))
    session = open_session(context, None, ghost_only=True)
    ghost = session.glass.ghost
    entries = ghost.entries(time.time())
    if output == "json":
        items = [{**_described(one), "ageSeconds": one.age} for one in entries]
        typer.echo(json.dumps({"root": str(ghost.root), "stability": ghost.stability(), "items": items}))
        return
    tell(f"{session.target.context} · {ghost.root}")
    for line in aligned([_described(one) for one in entries], _COLUMNS):
        typer.echo(line)
    if not entries:
        tell("nothing is remembered yet: kgents status")


@app.command()
def clear(yes: options.Yes = False, context: options.Context = None) -> None:
    """Forget what is remembered of this hive; the next answer writes it anew.

    Example: kgents ghost clear --yes
    """
    session = open_session(context, None, ghost_only=True)
    confirm(f"Forget what is remembered of {session.target.context}?", yes=yes)
    typer.echo(f"{session.glass.ghost.clear()} files removed from {session.glass.ghost.root}")


def _described(info: EntryInfo) -> dict[str, object]:
    return {
        "entry": info.entry,
        "items": info.items,
        "bytes": info.size,
        "age": spelled(info.age) if info.age is not None else None,
        "staleness": info.staleness,
    }
