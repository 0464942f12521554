"""`kgents infra crd …`: the kinds of a hive, against those that this version ships."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from kgents.cli import options

app = typer.Typer(help="The kinds of a hive: what is there, what this version ships.", no_args_is_help=True)


@app.command("list")
def list_kinds(output: options.Output = "table", context: options.Context = None) -> None:
    """The kinds of this version, and whether the hive has them so.

    Example: kgents infra crd list -o json
    """
    from kgents.cli.columns import Column, key
    from kgents.cli.output import aligned, yaml_text
    from kgents.infra import crds

    options.check_format(output, ("table", "json", "yaml"))
    rows = crds.rows(context)
    if output == "table":
        titles = ("NAME", "STATE", "VERSIONS", "STORED", "OBJECTS", "ESTABLISHED")
        columns = [Column(title, key(title.lower())) for title in titles]
        shown: list[dict[str, Any]] = [
            {**row, "versions": ",".join(row["versions"]), "stored": ",".join(row["stored"])} for row in rows
        ]
        for line in aligned(shown, columns):
            typer.echo(line)
    else:
        text = json.dumps({"items": rows}, indent=1) + "\n" if output == "json" else yaml_text({"items": rows})
        sys.stdout.write(text)


@app.command()
def diff(context: options.Context = None) -> None:
    """What applying this version's kinds would change.

    What would be taken away from objects that are stored is told on stderr, and is what `apply` refuses.
    """
    from kgents.infra import crds

    changed, broken = crds.difference(context)
    typer.echo(changed, nl=False)
    for line in broken:
        typer.secho(f"breaks {line}", fg=typer.colors.RED, err=True)


@app.command()
def apply(
    force: Annotated[
        bool, typer.Option("--force", help="Replace kinds though stored objects may not fit them any more.")
    ] = False,
    force_conflicts: Annotated[
        bool, typer.Option("--force-conflicts", help="Take over fields that others manage.")
    ] = False,
    context: options.Context = None,
) -> None:
    """Apply this version's kinds, and nothing else of a hive. Refused when stored objects may not fit them.

    Example: kgents infra crd diff && kgents infra crd apply
    """
    from kgents.cli.hives import tell
    from kgents.infra import crds

    done = crds.apply(context, force=force, force_conflicts=force_conflicts)
    tell("kinds: " + ", ".join(f"{count} {what}" for what, count in done.items()))
