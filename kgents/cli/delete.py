"""`kgents delete`: an agent and all that it owns."""

from __future__ import annotations

from typing import Annotated

import typer

from kgents.cli import options
from kgents.cli.asking import confirm
from kgents.cli.session import open_session


def delete(
    agent: Annotated[str, typer.Argument(help="The agent's name.")],
    yes: options.Yes = False,
    namespace: options.Namespace = None,
    context: options.Context = None,
) -> None:
    """Delete an agent, its pods, its Service, and its memory unless that is to be retained.

    An agent that has adopted a workload is released: the workload is not its own, and runs on.

    Example: kgents delete scholar --yes
    """
    session = open_session(context, namespace)
    confirm(f"Delete the agent “{agent}” in {session.place}?", yes=yes)
    answer = session.write("agents.terminate", agent=agent)
    row = answer.rows()[0] if answer.items else {}
    if row.get("released"):
        from kgents.cli.adopt import say_released

        say_released(row, session.place)
    else:
        typer.echo(f"{agent} is deleted from {session.place}")
