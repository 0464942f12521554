"""`kgents why`: the tree of causes."""

from __future__ import annotations

from typing import Annotated

import typer

from kgents.api.operations.why import lines
from kgents.cli import options
from kgents.cli.columns import PROPOSALS, printable
from kgents.cli.output import show, tell_frozen
from kgents.cli.session import open_session


def why(
    name: Annotated[str, typer.Argument(help="An agent or a proposal; agent/NAME or proposal/NAME where both fit.")],
    namespace: options.Namespace = None,
    output: options.Output = "table",
    context: options.Context = None,
) -> None:
    """Why an agent or a proposal is as it is: what led to it, as far back as anybody wrote it down.

    Example: kgents why scholar
    """
    options.check_format(output)
    session = open_session(context, namespace)
    answer = session.read("witness.explain", options.freshness(None, False, False), name=name)
    if output != "table":
        show(answer, PROPOSALS, output, session.place)
        return
    row = answer.rows()[0]
    typer.echo(f"{row['name']} · {printable(str(row['summary']))}")
    for line in lines(row["tree"]):
        typer.echo(printable_tree(line))
    tell_frozen(answer.frozen)


def printable_tree(line: str) -> str:
    """A line of the tree without what would move the cursor; its own indentation stays."""
    return "".join(sign if sign.isprintable() else " " for sign in line)
