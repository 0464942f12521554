"""`kgents logs`: what an agent writes."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from kgents.cli import options
from kgents.cli.session import open_session
from kgents.glass.look import Freshness


def logs(
    agent: Annotated[str, typer.Argument(help="The agent's name.")],
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Keep printing what it writes.")] = False,
    tail: Annotated[int | None, typer.Option("--tail", help="Only so many of the last lines.", min=0)] = None,
    namespace: options.Namespace = None,
    context: options.Context = None,
) -> None:
    """What an agent writes, of all its pods.

    Example: kgents logs scholar -f --tail 20
    """
    session = open_session(context, namespace)
    arguments: dict[str, Any] = {} if tail is None else {"tail": tail}
    session.read("agents.get", Freshness(require_live=True), agent=agent)
    if follow:
        lines = session.glass.follow_logs(agent, session.namespace, tail)
        for line in lines:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        return
    answer = session.read("agents.witness", Freshness(require_live=True), arguments, agent=agent)
    sys.stdout.writelines(f"{row['line']}\n" for row in answer.rows())
