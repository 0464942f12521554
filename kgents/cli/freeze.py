"""`kgents freeze` and `thaw`: the brake of the whole hive."""

from __future__ import annotations

from typing import Annotated

import typer

from kgents.cli import options
from kgents.cli.asking import confirm
from kgents.cli.session import open_session


def freeze(
    reason: Annotated[str, typer.Option("--reason", help="Why; everybody who looks is told.")] = "",
    yes: options.Yes = False,
    context: options.Context = None,
) -> None:
    """Refuse every agent's writes and every merge, at once, whatever else is down.

    People go on as before, and the agents' programs run on.

    Example: kgents freeze --reason "something is wrong with the new model"
    """
    session = open_session(context, None)
    confirm(f"Freeze the hive of {session.target.context}?", yes=yes)
    session.write("cluster.freeze", {"reason": reason} if reason else {})
    typer.echo(f"{session.target.context} is frozen: no agent writes, nothing is merged. kgents thaw ends it")


def thaw(context: options.Context = None) -> None:
    """Let agents write again, and merge what waits.

    Example: kgents thaw
    """
    session = open_session(context, None)
    session.write("cluster.thaw")
    typer.echo(f"{session.target.context} is thawed")
