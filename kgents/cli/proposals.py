"""`kgents proposals`: the changes that somebody wants."""

from __future__ import annotations

from typing import Annotated

import typer

from kgents.cli import options
from kgents.cli.columns import PROPOSALS
from kgents.cli.output import show
from kgents.cli.session import open_session


def proposals(
    name: Annotated[str | None, typer.Argument(help="One proposal; all of them if left out.")] = None,
    namespace: options.Namespace = None,
    all_namespaces: options.AllNamespaces = False,
    output: options.Output = "table",
    require_live: options.Live = False,
    max_age: options.MaxAge = None,
    ghost: options.GhostOnly = False,
    context: options.Context = None,
) -> None:
    """The changes that somebody wants, with their risk.

    Example: kgents proposals -A
    """
    options.check_format(output)
    freshness = options.freshness(max_age, require_live, ghost)
    everywhere = all_namespaces and name is None
    session = open_session(context, namespace, everywhere=everywhere, ghost_only=ghost)
    if name is None:
        answer = session.read("proposals.list", freshness)
    else:
        answer = session.read("proposals.get", freshness, proposal=name)
    show(answer, PROPOSALS, output, session.place, everywhere=everywhere)
