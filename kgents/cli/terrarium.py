"""`kgents terrarium`: the window into the hive."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from kgents.api.errors import UsageError
from kgents.cli import express, options
from kgents.glass import context as contexts


def terrarium(
    namespace: options.Namespace = None,
    all_namespaces: options.AllNamespaces = False,
    ghost: options.GhostOnly = False,
    theme: Annotated[str | None, typer.Option("--theme", help="A theme by name; t inside shows them.")] = None,
    context: options.Context = None,
) -> None:
    """The whole hive on one screen: agents, signals, proposals and what is said, as it happens.

    ? inside shows the keys. With --ghost it shows what this disk remembers, with nothing running.

    Example: kgents terrarium -A
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("Terrarium needs a terminal", fix="In a pipe, use kgents status, observe -f or proposals")
    find = contexts.resolve_for_ghost if ghost else contexts.resolve
    target = find(context, namespace)

    if os.environ.get("TERM", "dumb") in ("dumb", "unknown"):
        os.environ["NO_COLOR"] = "1"  # a terminal of which nothing is known gets no colours

    from kgents.terrarium.app import TerrariumApp  # with Textual: 180 ms, for this command alone
    from kgents.terrarium.world import GlassWorld

    world = GlassWorld(target, "" if all_namespaces else target.namespace, ghost, express.refused)
    app = TerrariumApp(world)
    if theme:
        if theme not in app.available_themes:
            raise UsageError(f"There is no theme “{theme}”", fix=f"One of: {', '.join(sorted(app.available_themes))}")
        app.theme = app.kept.theme = theme
    app.run()
    raise typer.Exit(app.return_code or 0)
