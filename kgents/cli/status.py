"""`kgents status`: the agents, whatever still answers."""

from __future__ import annotations

from typing import Annotated

import typer

from kgents.api.errors import UsageError
from kgents.cli import options
from kgents.cli.columns import AGENTS
from kgents.cli.output import show
from kgents.cli.session import open_session


def status(
    agent: Annotated[str | None, typer.Argument(help="One agent; all of them if left out.")] = None,
    namespace: options.Namespace = None,
    all_namespaces: options.AllNamespaces = False,
    output: options.Output = "table",
    watch: Annotated[bool, typer.Option("-w", "--watch", help="Keep showing changes.")] = False,
    require_live: options.Live = False,
    max_age: options.MaxAge = None,
    ghost: options.GhostOnly = False,
    context: options.Context = None,
) -> None:
    """The agents, or one of them.

    Cortex answers, or the ghost on this disk, or kubectl; the answer says which, and how old it is.

    Example: kgents status -A -o wide
    """
    options.check_format(output)
    freshness = options.freshness(max_age, require_live, ghost)
    if watch and (require_live or ghost or max_age is not None):
        raise UsageError("--watch shows what is live", fix="Leave out --require-live, --max-age and --ghost")
    session = open_session(context, namespace, everywhere=all_namespaces and agent is None, ghost_only=ghost)
    if watch:
        from kgents.cli.following import follow

        names = {"agent": agent} if agent else {}
        follow(
            session, "agents.get" if agent else "agents.list", AGENTS, output, everywhere=all_namespaces, names=names
        )
        return
    if agent is None:
        show(session.read("agents.list", freshness), AGENTS, output, session.place, everywhere=all_namespaces)
        return
    answer = session.read("agents.get", freshness, agent=agent)
    show(answer, AGENTS, output, session.place)
    if output == "table":
        from kgents.cli.detail import of_agent, print_detail

        print_detail(of_agent(answer.rows()[0]))
