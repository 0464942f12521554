"""`kgents observe`: the signals in the air."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kgents.api.errors import UsageError
from kgents.cli import options
from kgents.cli.columns import SIGNALS
from kgents.cli.output import show
from kgents.cli.session import open_session


def observe(
    type: Annotated[list[str] | None, typer.Option("--type", help="Only this type; may be given again.")] = None,
    min_intensity: Annotated[
        float | None, typer.Option("--min-intensity", help="Only at least this strong now.")
    ] = None,
    target: Annotated[str | None, typer.Option("--target", help="Only what is meant for this agent alone.")] = None,
    on_behalf: Annotated[
        str | None, typer.Option("--as", help="Only what this agent senses: its own and everybody's, by its umwelt.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", help="At most so many, the strongest first.", min=1)] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Keep showing what comes and goes.")] = False,
    namespace: options.Namespace = None,
    all_namespaces: options.AllNamespaces = False,
    output: options.Output = "table",
    require_live: options.Live = False,
    max_age: options.MaxAge = None,
    ghost: options.GhostOnly = False,
    context: options.Context = None,
) -> None:
    """The signals in the air, the strongest now first.

    A signal fades by its half-life; what is shown is how strong it is now, also when the answer was remembered.
    With -f, a line for each that comes (+), is claimed (~) and goes (-), or a living table on a terminal.

    Example: kgents observe --type WARNING --min-intensity 0.2 -f
    """
    options.check_format(output)
    freshness = options.freshness(max_age, require_live, ghost)
    arguments = _arguments(type, min_intensity, limit, target, on_behalf)
    session = open_session(context, namespace, everywhere=all_namespaces, ghost_only=ghost)
    if follow:
        from kgents.cli.following import follow as keep_showing

        keep_showing(session, "pheromones.sense", SIGNALS, output, arguments=arguments, everywhere=all_namespaces)
        return
    show(
        session.read("pheromones.sense", freshness, arguments),
        SIGNALS,
        output,
        session.place,
        everywhere=all_namespaces,
    )


def _arguments(
    types: list[str] | None, least: float | None, limit: int | None, target: str | None, on_behalf: str | None
) -> dict[str, Any]:
    if least is not None and not 0 <= least <= 1:
        raise UsageError("--min-intensity must be from 0 to 1", why=f"got {least:g}")
    given: dict[str, Any] = {
        "type": [one.upper() for one in types] if types else None,
        "minIntensity": least,
        "limit": limit,
    }
    given |= {"target": target, "as": on_behalf}
    return {name: value for name, value in given.items() if value is not None}
