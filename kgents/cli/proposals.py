"""`kgents proposals`: the changes that somebody wants."""

from __future__ import annotations

from typing import Annotated, get_args

import typer

from kgents.api.errors import UsageError
from kgents.api.resources import ProposalPhase
from kgents.cli import options
from kgents.cli.columns import PROPOSALS
from kgents.cli.output import show
from kgents.cli.session import open_session


def proposals(
    name: Annotated[str | None, typer.Argument(help="One proposal; all of them if left out.")] = None,
    phase: Annotated[list[str] | None, typer.Option("--phase", help="Only this phase; may be given again.")] = None,
    namespace: options.Namespace = None,
    all_namespaces: options.AllNamespaces = False,
    output: options.Output = "table",
    require_live: options.Live = False,
    max_age: options.MaxAge = None,
    ghost: options.GhostOnly = False,
    context: options.Context = None,
) -> None:
    """The changes that somebody wants, with their risk.

    Example: kgents proposals -A --phase Reviewing --phase Blocked
    """
    options.check_format(output)
    freshness = options.freshness(max_age, require_live, ghost)
    everywhere = all_namespaces and name is None
    session = open_session(context, namespace, everywhere=everywhere, ghost_only=ghost)
    if name is None:
        answer = session.read("proposals.list", freshness, {"phase": _phases(phase)} if phase else {})
        show(answer, PROPOSALS, output, session.place, everywhere=everywhere)
        return
    answer = session.read("proposals.get", freshness, proposal=name)
    show(answer, PROPOSALS, output, session.place)
    if output == "table":
        from kgents.cli.detail import of_proposal, print_detail

        print_detail(of_proposal(answer.rows()[0]))


def _phases(given: list[str]) -> list[str]:
    known = {phase.lower(): phase for phase in get_args(ProposalPhase)}
    for one in given:
        if one.lower() not in known:
            raise UsageError(f"“{one[:40]}” is no phase of a proposal", why=f"there are {', '.join(known.values())}")
    return [known[one.lower()] for one in given]
