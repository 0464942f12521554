"""`kgents signal emit`: say something that fades by itself."""

from __future__ import annotations

from typing import Annotated, Any, get_args

import typer

from kgents.api import duration
from kgents.api.errors import UsageError
from kgents.api.resources import PheromoneType
from kgents.cli import options
from kgents.cli.columns import SIGNALS
from kgents.cli.output import show
from kgents.cli.session import open_session, tell

PHEROMONE_TYPES: tuple[str, ...] = get_args(PheromoneType)
app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Signals that fade by themselves."
)


@app.callback()
def group() -> None:
    """Signals that fade by themselves."""


@app.command()
def emit(
    type: Annotated[str, typer.Argument(help="Such as WARNING, SCARCITY or OPPORTUNITY.")],
    payload: Annotated[str | None, typer.Option("--payload", help="What it says.")] = None,
    source: Annotated[str | None, typer.Option("--source", help="Who says it.")] = None,
    target: Annotated[str | None, typer.Option("--target", help="The agent that it is meant for.")] = None,
    intensity: Annotated[float | None, typer.Option("--intensity", help="How strong it starts, from 0 to 1.")] = None,
    half_life: Annotated[str | None, typer.Option("--half-life", help="It halves in this time, such as 5m.")] = None,
    claimable: Annotated[bool, typer.Option("--claimable", help="It is work: one agent takes it.")] = False,
    caused_by: Annotated[
        list[str] | None, typer.Option("--caused-by", help="What led to it, in your words; may be given again.")
    ] = None,
    namespace: options.Namespace = None,
    output: options.Output = "table",
    context: options.Context = None,
) -> None:
    """Emit a signal.

    Example: kgents signal emit WARNING --payload "disk almost full" --half-life 5m
    """
    options.check_format(output)
    kind = type.upper()
    if kind not in PHEROMONE_TYPES:
        raise UsageError(f"“{type[:60]}” is no type of signal", why=f"there are {', '.join(PHEROMONE_TYPES)}")
    if intensity is not None and not 0 < intensity <= 1:
        raise UsageError("--intensity must be above 0 and at most 1", why=f"got {intensity:g}")
    if half_life is not None and duration.parse(half_life) <= 0:
        raise UsageError("--half-life must be longer than nothing", why=f"got {half_life}")
    given: dict[str, Any] = {
        "payload": payload,
        "source": source,
        "target": target,
        "intensity": intensity,
        "halfLife": half_life,
    }
    session = open_session(context, namespace)
    given |= {"claimable": claimable or None}
    given |= {"causedBy": [{"snapshot": {"line": line}} for line in caused_by] if caused_by else None}
    arguments = {"type": kind, **{name: value for name, value in given.items() if value is not None}}
    answer = session.write("pheromones.emit", arguments)
    if output == "table":
        row = answer.rows()[0]
        typer.echo(f"{kind} emitted as {row['name']}")
        tell(f"{session.place}; fades by half every {duration.age(row.get('halfLifeSeconds'))}")
        return
    show(answer, SIGNALS, output, session.place)
