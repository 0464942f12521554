"""`kgents approve`, `reject` and `rollback`: the decisions that people take."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kgents.api.operations.proposals import refuse_without_reason
from kgents.cli import options
from kgents.cli.asking import confirm
from kgents.cli.diff import Proposal, print_change
from kgents.cli.output import tell_frozen
from kgents.cli.session import open_session
from kgents.glass.look import Freshness

Reason = Annotated[str, typer.Option("--reason", help="Why; what is Blocked is not lifted without.")]
Why = Annotated[str, typer.Option("--reason", help="Why.")]


def approve(
    proposal: Proposal,
    reason: Reason = "",
    digest: Annotated[
        str | None, typer.Option("--digest", help="Approve only the diff with this digest (kgents diff -o json).")
    ] = None,
    yes: options.Yes = False,
    namespace: options.Namespace = None,
    context: options.Context = None,
) -> None:
    """Approve a proposal: the diff that is shown, and no other.

    Example: kgents approve scholar-x7k2 --reason "looked at the image"
    """
    session = open_session(context, namespace)
    row = session.read("proposals.diff", Freshness(require_live=True), proposal=proposal).rows()[0]
    refuse_without_reason(row, reason)
    print_change(row)
    if row["phase"] == "Blocked":
        confirm(f"Lift the block of {proposal} in {session.place}?", yes=yes)
    given: dict[str, Any] = {"digest": digest or row["diffDigest"]}
    done = session.write("proposals.approve", given | ({"reason": reason} if reason else {}), proposal=proposal)
    typer.echo(f"{proposal} is approved in {session.place}")
    tell_frozen(done.frozen)


def reject(
    proposal: Proposal, reason: Why, namespace: options.Namespace = None, context: options.Context = None
) -> None:
    """Reject a proposal.

    Example: kgents reject scholar-x7k2 --reason "not during the sale"
    """
    session = open_session(context, namespace)
    session.write("proposals.reject", {"reason": reason}, proposal=proposal)
    typer.echo(f"{proposal} is rejected in {session.place}")


def rollback(
    proposal: Proposal, reason: Why = "", namespace: options.Namespace = None, context: options.Context = None
) -> None:
    """Take a merged change back. What somebody has changed since is left as it is.

    Example: kgents rollback scholar-x7k2 --reason "answers got worse"
    """
    session = open_session(context, namespace)
    session.write("proposals.rollback", {"reason": reason} if reason else {}, proposal=proposal)
    typer.echo(f"{proposal} is being taken back in {session.place}")
