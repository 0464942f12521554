"""`kgents invoke`: any path, for scripts and the curious."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from kgents.api.errors import UsageError
from kgents.api.paths import resolve
from kgents.cli import options
from kgents.cli.output import as_yaml
from kgents.cli.session import open_session
from kgents.cli.shape import as_json
from kgents.glass.look import Freshness


def invoke(
    path: Annotated[str, typer.Argument(help="Such as world.cluster.agents.manifest; see kgents paths.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="key=value, as the path takes them.")] = None,
    namespace: options.Namespace = None,
    all_namespaces: options.AllNamespaces = False,
    output: Annotated[str, typer.Option("-o", "--output", help="json or yaml.")] = "json",
    context: options.Context = None,
) -> None:
    """Invoke any path.

    Example: kgents invoke void.pheromone.sense minIntensity=0.5
    """
    options.check_format(output, ("json", "yaml"))
    resolution = resolve(path)
    entry = resolution.entry
    given = entry.parse(dict(_pair(one) for one in arguments or []))
    session = open_session(context, namespace, everywhere=all_namespaces)
    if entry.id == "memory.manifest":
        raise UsageError("The ghost has commands of its own", fix="Try kgents ghost show")
    if entry.id == "agents.tether":
        raise UsageError("A tether has a command of its own", fix=f"Try kgents tether {resolution.bindings['agent']}")
    if entry.write:
        answer = session.write(entry.id, given, **resolution.bindings)
    else:
        answer = session.read(entry.id, Freshness(), given, **resolution.bindings)
    sys.stdout.write(as_json(answer) if output == "json" else as_yaml(answer))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise UsageError(f"“{text}” is no argument", fix="Write it key=value")
    return name, value
