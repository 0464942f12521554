"""`kgents audit`: who asked, who decided, on what evidence, what changed, and whether the record was touched."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from kgents.api import duration, times
from kgents.api.errors import KgentsError
from kgents.cli import options
from kgents.cli.columns import AUDIT
from kgents.cli.output import show
from kgents.cli.session import Session, open_session, tell
from kgents.glass.look import Freshness

LIVE = Freshness(require_live=True)


def audit(
    since: Annotated[
        str | None, typer.Option("--since", help="Only what was decided within this time, such as 24h.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Check that nobody has changed the record.")] = False,
    namespace: options.Namespace = None,
    all_namespaces: options.AllNamespaces = False,
    output: options.Output = "table",
    context: options.Context = None,
) -> None:
    """Every decided change, in the order of the audit chain.

    Example: kgents audit -A --since 24h --verify
    """
    options.check_format(output)
    session = open_session(context, namespace, everywhere=all_namespaces)
    arguments = {"since": times.to_text(time.time() - duration.parse(since))} if since else {}
    answer = session.read("witness.audit", LIVE, arguments)
    show(answer, AUDIT, output, session.place, everywhere=all_namespaces)
    if verify:
        _verify(session)


def _verify(session: Session) -> None:
    """Raises KgentsError when the chain does not hold."""
    found = session.read("witness.verify", LIVE).rows()[0]
    if not found["verified"]:
        why = "; ".join(str(one) for one in found["problems"][:5])
        fix = "Find out who could delete proposals, or write their status"
        raise KgentsError("the audit chain does not hold", why=why, fix=fix)
    tell(f"✔ the audit chain holds: {found['links']} links, up to number {found['head']}")
