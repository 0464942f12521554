"""`kgents infra …`: bring a hive up, look after it, take it down."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from kgents.api.errors import KgentsError, NotFound, Unreachable, UsageError
from kgents.cli import options
from kgents.infra import hive as hives

app = typer.Typer(help="Bring a hive up, look after it, take it down.", no_args_is_help=True)

Name = Annotated[str, typer.Option("--name", help="The hive's name.", metavar="NAME")]


def tell(step: str) -> None:
    """Progress is talk: it goes to stderr, so that answers on stdout stay clean."""
    typer.secho("✔ ", fg=typer.colors.GREEN, nl=False, err=True)
    typer.echo(step, err=True)


@app.command()
def init(
    name: Name = hives.DEFAULT_HIVE,
    api_only: Annotated[bool, typer.Option("--api-only", help="The API server alone.")] = False,
    no_kubeconfig: Annotated[bool, typer.Option("--no-kubeconfig", help="Leave your kubeconfig alone.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for it.", min=1)] = 60.0,
    context: Annotated[str, typer.Option(help="Use this cluster instead (comes next).", metavar="CONTEXT")] = "",
    kind: Annotated[bool, typer.Option("--kind", help="Use a kind cluster (comes next).")] = False,
) -> None:
    """Bring up a hive on this machine; nothing else needs to be installed.

    Doing it again changes nothing. Your kubeconfig gets a context kgents-NAME, selected, as kind does it.

    Example: kgents infra init && kubectl get agents
    """
    from kgents.infra import lifecycle

    if context or kind:
        raise UsageError(
            "Hives on other clusters come with the next version",
            why="this one brings up the embedded hive only",
            fix="Leave out --context and --kind",
        )
    hive = lifecycle.init(name, tell, api_only=api_only, select=not no_kubeconfig, timeout=timeout)
    if not api_only:
        wait_for_cortex(hive, timeout)
        tell("Cortex serves: try kgents status")


@app.command()
def status(
    name: Annotated[str, typer.Option("--name", help="The hive's name; the current context's if left out.")] = "",
    output: options.Output = "table",
) -> None:
    """The hive's processes, and its health as it tells it itself.

    Example: kgents infra status -o json
    """
    from kgents.cli.infra_status import infra_status

    infra_status(hives.load(name or current_name()), output)


@app.command()
def start(name: Name = hives.DEFAULT_HIVE) -> None:
    """Start a hive that was stopped."""
    from kgents.infra import lifecycle

    lifecycle.start(name, tell)


@app.command()
def stop(name: Name = hives.DEFAULT_HIVE) -> None:
    """Stop a hive and its agents. Everything stored stays; start goes on with it."""
    from kgents.infra import lifecycle

    lifecycle.stop(name, tell)


@app.command()
def delete(
    name: Name = hives.DEFAULT_HIVE,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    if_exists: Annotated[bool, typer.Option("--if-exists", help="No error when there is no such hive.")] = False,
) -> None:
    """Stop a hive and remove all of it: agents, memories, keys, and its context in your kubeconfig."""
    from kgents.cli.asking import confirm
    from kgents.infra import lifecycle

    if hives.check_name(name) not in hives.known():
        if if_exists:
            return
        raise NotFound(f"There is no hive “{name}” on this machine", why=_names())
    confirm(f"Delete the hive “{name}” with all its agents and memories?", yes=yes)
    lifecycle.delete(name, tell)


@app.command()
def kubeconfig(name: Name = hives.DEFAULT_HIVE) -> None:
    """Print the path of the hive's own kubeconfig.

    Example: kubectl --kubeconfig $(kgents infra kubeconfig) get pods -A
    """
    typer.echo(hives.load(name).kubeconfig)


@app.command()
def logs(
    process: Annotated[str, typer.Argument(help="apiserver, node, operators, cortex or supervisor; all without.")] = "",
    name: Name = hives.DEFAULT_HIVE,
    tail: Annotated[int, typer.Option(help="Lines from the end of each.", min=0)] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines arrive.")] = False,
) -> None:
    """Show what the hive's processes say."""
    from kgents.infra import lifecycle
    from kgents.infra.logs import follow_lines, last_lines

    files = lifecycle.log_files(hives.load(name))
    chosen = [path for path in files if not process or path.stem == process]
    if process and not chosen:
        raise NotFound(f"No process “{process}”", why=f"there are {', '.join(path.stem for path in files)}")
    for path in chosen:
        for line in last_lines(path, tail):
            typer.echo(_labelled(path, line, alone=bool(process)))
    if follow:
        for path, line in follow_lines(chosen):
            typer.echo(_labelled(path, line, alone=bool(process)))


def current_name() -> str:
    """The embedded hive of the current context, else the usual one."""
    from kgents.glass.context import resolve

    try:
        current = hives.of_context(resolve().context)
    except KgentsError:
        current = None  # no usable kubeconfig: the usual hive brings its own context along
    return current.name if current else hives.DEFAULT_HIVE


def bring_up(timeout: float) -> str:
    """The context of a running embedded hive: the current one if it is such, else the usual one. Made if need be."""
    from kgents.infra import lifecycle

    hive = lifecycle.init(current_name(), tell, timeout=timeout)
    wait_for_cortex(hive, timeout)
    return hive.context


def wait_for_cortex(hive: hives.Hive, timeout: float) -> None:
    """Returns once the hive's Cortex answers what `status` asks. Raises Unreachable when it does not in time."""
    from kgents.api.paths import path_of
    from kgents.glass.answer import NextLayer
    from kgents.glass.context import Target
    from kgents.glass.cortex import Cortex

    deadline = time.monotonic() + timeout
    cortex = Cortex(Target(hive.context, hive.server).key)
    while True:
        try:
            cortex.read(path_of("agents.list"), {}, "default")
            return
        except NextLayer as error:
            if time.monotonic() > deadline:
                raise Unreachable(
                    f"Cortex does not answer after {timeout:.0f} s", why=str(error), fix="kgents infra logs cortex"
                ) from error
        time.sleep(0.03)


def _labelled(path: Path, line: str, *, alone: bool) -> str:
    return line if alone else f"{path.stem:<11} {line}"


def _names() -> str:
    found = hives.known()
    return f"there are {', '.join(found)}" if found else "there is none yet"
