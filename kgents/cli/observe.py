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

    Example: kgents observe --type WARNING --min-intensity 0.2 -f
    """
    options.check_format(output)
    freshness = options.freshness(max_age, require_live, ghost)
    arguments = _arguments(type, min_intensity, limit)
    session = open_session(context, namespace, everywhere=all_namespaces, ghost_only=ghost)
    if follow:
        from kgents.cli.following import follow_lines

        follow_lines(session, "pheromones.sense", SIGNALS, output, arguments, everywhere=all_namespaces)
        return
    show(
        session.read("pheromones.sense", freshness, arguments),
        SIGNALS,
        output,
        session.place,
        everywhere=all_namespaces,
    )


def _arguments(types: list[str] | None, least: float | None, limit: int | None) -> dict[str, Any]:
    if least is not None and not 0 <= least <= 1:
        raise UsageError("--min-intensity must be from 0 to 1", why=f"got {least:g}")
    given = {"type": [one.upper() for one in types] if types else None, "minIntensity": least, "limit": limit}
    return {name: value for name, value in given.items() if value is not None}
