"""`kgents daemon …`: the Cortex of a hive, by hand."""

from __future__ import annotations

import json
import sys
import time
from typing import Annotated

import typer

from kgents.api.errors import KgentsError
from kgents.cli import options
from kgents.cli.session import open_session, tell
from kgents.glass import daemon
from kgents.glass.context import Target

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="The Cortex daemon, which answers first."
)
_PATIENCE = 15.0
_PAUSE = 0.05


@app.command()
def start(context: options.Context = None) -> None:
    """Start Cortex and wait until it listens. Commands start it by themselves; this is for when you want it now.

    Example: kgents daemon start
    """
    target = open_session(context, None).target
    now = daemon.state(target)
    if now.listens:
        typer.echo(f"Cortex of {target.context} runs already (pid {now.pid})")
        return
    if now.supervised:
        daemon.wake(target)
    else:
        daemon.start(target)
    _await(target)
    typer.echo(f"Cortex of {target.context} listens (pid {daemon.state(target).pid})")


@app.command()
def stop(context: options.Context = None) -> None:
    """Stop Cortex. The ghost and kubectl answer meanwhile.

    Example: kgents daemon stop
    """
    target = open_session(context, None).target
    typer.echo(f"Cortex of {target.context} " + ("is stopped" if daemon.stop(target) else "does not run"))


@app.command()
def status(
    output: Annotated[str, typer.Option("-o", "--output", help="table or json.")] = "table",
    context: options.Context = None,
) -> None:
    """Whether Cortex runs and listens. Exits 1 when it does not.

    Example: kgents daemon status -o json
    """
    options.check_format(output, ("table", "json"))
    target = open_session(context, None).target
    now = daemon.state(target)
    if output == "json":
        said = {"context": target.context, "running": now.running, "listens": now.listens, "pid": now.pid}
        typer.echo(json.dumps({**said, "supervised": now.supervised}))
    else:
        keeper = ", kept by the hive's supervisor" if now.supervised else ""
        word = "listens" if now.listens else "runs but does not listen" if now.running else "does not run"
        typer.echo(f"Cortex of {target.context} {word}" + (f" (pid {now.pid}{keeper})" if now.pid else ""))
    if not now.listens:
        raise typer.Exit(1)


@app.command()
def logs(
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Keep printing what it writes.")] = False,
    tail: Annotated[int, typer.Option("--tail", help="Only so many of the last lines.", min=0)] = 100,
    context: options.Context = None,
) -> None:
    """What Cortex writes into its log.

    Example: kgents daemon logs -f
    """
    from kgents.infra.logs import follow_lines, last_lines

    path = daemon.log_file(open_session(context, None).target)
    if not path.exists():
        tell(f"there is no log yet at {path}")
        return
    changes = follow_lines([path]) if follow else iter(())
    sys.stdout.writelines(f"{line}\n" for line in last_lines(path, tail))
    sys.stdout.flush()
    for _, line in changes:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def _await(target: Target) -> None:
    end = time.monotonic() + _PATIENCE
    while not daemon.state(target).listens:
        if time.monotonic() > end:
            raise KgentsError(
                "Cortex does not listen", why=f"not within {_PATIENCE:.0f} s", fix="See kgents daemon logs"
            )
        time.sleep(_PAUSE)
