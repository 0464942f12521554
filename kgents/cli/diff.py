"""`kgents diff`: what a proposal would change, as the API server's own dry run said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from kgents.cli import options
from kgents.cli.columns import PROPOSALS, printable
from kgents.cli.output import coloured, show, tell_frozen
from kgents.cli.session import open_session

_COLOURS = {"+": typer.colors.GREEN, "-": typer.colors.RED, "~": typer.colors.YELLOW}

Proposal = Annotated[str, typer.Argument(help="The proposal's name.")]


def diff(
    proposal: Proposal,
    namespace: options.Namespace = None,
    output: options.Output = "table",
    require_live: options.Live = False,
    context: options.Context = None,
) -> None:
    """What a proposal would change, and what its risk is made of.

    Example: kgents diff scholar-x7k2
    """
    options.check_format(output)
    session = open_session(context, namespace)
    answer = session.read("proposals.diff", options.freshness(None, require_live, False), proposal=proposal)
    if output != "table":
        show(answer, PROPOSALS, output, session.place)
        return
    row = answer.rows()[0]
    typer.echo(f"{row['name']} · {row['phase']} · {row['target']} · “{printable(str(row['reason']))}”")
    print_change(row)
    tell_frozen(answer.frozen)


def print_change(row: Mapping[str, Any]) -> None:
    """The lines of a diff, coloured on a terminal, and the terms of the risk."""
    for line in row.get("diff") or ():
        text = "".join(sign for sign in str(line) if sign.isprintable())
        typer.secho(text, fg=_COLOURS.get(text[:1]) if coloured() else None)
    if row.get("risk") is not None:
        typer.echo(f"risk {row['risk']:.2f} ({row.get('level')})")
    for reason in row.get("reasons") or ():
        typer.echo(f"  {printable(str(reason))}")
