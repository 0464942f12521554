"""`kgents pause` and `kgents resume`: the smallest brake there is."""

from __future__ import annotations

from typing import Annotated

import typer

from kgents.cli import options
from kgents.cli.session import open_session, tell

Agent = Annotated[str, typer.Argument(help="The agent's name.")]


def pause(
    agent: Agent,
    reason: Annotated[str, typer.Option("--reason", help="Why; the agent is told when it tries to write.")] = "",
    namespace: options.Namespace = None,
    context: options.Context = None,
) -> None:
    """Pause an agent: it writes nothing from now on, its pods end, and it keeps all else until it is resumed.

    The pods of a workload that it has adopted are not kgents' to stop: they run on, unheard and told nothing.

    Example: kgents pause scholar --reason "it repeats itself"
    """
    session = open_session(context, namespace)
    answer = session.write("agents.suspend", {"reason": reason} if reason else {}, agent=agent)
    typer.echo(f"{agent} is paused in {session.place}")
    if answer.items and (adopted := answer.rows()[0].get("adopts")):
        tell(
            f"its log becomes no signals and its reactions wait; the pods of {adopted} run on, for kgents does not own"
        )
        tell(f"them. To stop them: kgents propose {agent} --replicas 0 --reason …, or ask who looks after {adopted}")
    if answer.items and answer.rows()[0].get("writesRefused") is False:
        tell("but its writes are not refused: that takes the right to patch the ConfigMap kgents-freeze")


def resume(agent: Agent, namespace: options.Namespace = None, context: options.Context = None) -> None:
    """Let a paused agent run again.

    Example: kgents resume scholar
    """
    session = open_session(context, namespace)
    answer = session.write("agents.resume", agent=agent)
    still = answer.rows()[0].get("replicas") == 0 if answer.items else False
    typer.echo(f"{agent} is resumed in {session.place}" + (", but it has 0 replicas" if still else ""))
