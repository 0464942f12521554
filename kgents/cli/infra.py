"""`kgents infra …`: bring a hive up, look after it, take it down."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kgents.api.errors import NotFound, Unreachable, UsageError
from kgents.cli import options
from kgents.cli.hives import current_name, farewell, names_told, tell, wait_for_cortex
from kgents.infra import hive as hives

app = typer.Typer(help="Bring a hive up, look after it, take it down.", no_args_is_help=True)

NewName = Annotated[
    str,
    typer.Option("--name", "--hive", help="The hive's name; laptop, or the context's, if left out.", metavar="NAME"),
]
Name = Annotated[
    str, typer.Option("--name", "--hive", help="The hive's name; the current context's if left out.", metavar="NAME")
]


@app.command()
def init(
    name: NewName = "",
    context: Annotated[
        str, typer.Option("--context", help="In this cluster, not on this machine.", metavar="CONTEXT")
    ] = "",
    namespace: Annotated[
        str, typer.Option("-n", "--namespace", help="With --context: where agents go; made if missing.")
    ] = "",
    force_conflicts: Annotated[
        bool, typer.Option("--force-conflicts", help="With --context: take over fields that others manage.")
    ] = False,
    api_only: Annotated[bool, typer.Option("--api-only", help="The API server alone.")] = False,
    no_kubeconfig: Annotated[bool, typer.Option("--no-kubeconfig", help="Leave your kubeconfig alone.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for it.", min=1)] = 60.0,
    kind: Annotated[bool, typer.Option("--kind", help="Use a kind cluster (comes next).")] = False,
) -> None:
    """Bring up a hive, here or in a cluster.

    On this machine nothing else needs to be installed; with --context it lives in any cluster of your kubeconfig.
    Doing it again changes nothing. Its context is selected in your kubeconfig; that of a hive on this machine is
    added there as kgents-NAME, as kind does it. In a cluster it makes the kinds, the permissions and the namespace
    kgents-system; Cortex and the operators run on this machine.

    Example: kgents infra init && kubectl get agents
    """
    if kind:
        raise UsageError(
            "kgents does not make kind clusters yet", fix="Make one, then: kgents infra init --context kind-NAME"
        )
    if context:
        if api_only:
            raise UsageError("--api-only and --context exclude each other", fix="Give one of them")
        from kgents.infra import cluster

        hive = cluster.init(
            context, name, tell, namespace=namespace, force=force_conflicts, select=not no_kubeconfig, timeout=timeout
        )
        if not cluster.operators_act(hive, timeout):
            raise Unreachable("The operators do not come to work", fix="See why: kgents infra logs operators")
    elif namespace or force_conflicts:
        raise UsageError("--namespace and --force-conflicts go with --context", fix="Leave them out")
    else:
        from kgents.infra import lifecycle

        chosen = name or hives.DEFAULT_HIVE
        hive = lifecycle.init(chosen, tell, api_only=api_only, select=not no_kubeconfig, timeout=timeout)
    from kgents.infra import isolated

    if not api_only:
        wait_for_cortex(hive, timeout)
        if caution := isolated.line(hive):
            tell(caution)
        tell("Cortex serves: try kgents status")


@app.command()
def status(name: Name = "", output: options.Output = "table", context: options.Context = None) -> None:
    """The hive's processes, and how it is.

    Example: kgents infra status -o json
    """
    from kgents.cli.infra_status import infra_status

    infra_status(hives.load(name or current_name(context)), output)


@app.command()
def start(name: Name = "", context: options.Context = None) -> None:
    """Start a hive that was stopped."""
    from kgents.infra import lifecycle

    lifecycle.start(name or current_name(context), tell)


@app.command()
def stop(name: Name = "", context: options.Context = None) -> None:
    """Stop a hive and its agents. Everything stored stays; start goes on with it.

    Of a hive in a cluster, what runs on this machine is stopped; its agents run on there.
    """
    from kgents.infra import lifecycle

    lifecycle.stop(name or current_name(context), tell)


@app.command()
def delete(
    name: Name = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    if_exists: Annotated[bool, typer.Option("--if-exists", help="No error when there is no such hive.")] = False,
    keep_cluster: Annotated[
        bool, typer.Option("--keep-cluster", help="Of a hive in a cluster: forget it here, leave all of it there.")
    ] = False,
    context: options.Context = None,
) -> None:
    """Stop a hive and remove all of it.

    Its agents and memories go, its keys, and its context in your kubeconfig. Out of a cluster it takes what init has
    made there, agents and signals with it, and nothing else.
    """
    from kgents.cli.asking import confirm
    from kgents.infra import lifecycle

    name = name or current_name(context)
    if hives.check_name(name) not in hives.known():
        if if_exists:
            return
        raise NotFound(f"There is no hive “{name}” on this machine", why=names_told())
    confirm(farewell(name, keep_cluster=keep_cluster), yes=yes)
    lifecycle.delete(name, tell, keep_cluster=keep_cluster)


@app.command()
def kubeconfig(name: Name = "", context: options.Context = None) -> None:
    """Print the path of the hive's kubeconfig.

    A hive on this machine has one of its own; for one in a cluster it is yours, which leads there.

    Example: kubectl --kubeconfig $(kgents infra kubeconfig) get pods -A
    """
    typer.echo(hives.load(name or current_name(context)).kubeconfigs)


@app.command()
def logs(
    process: Annotated[str, typer.Argument(help="apiserver, node, operators, cortex or supervisor; all without.")] = "",
    name: Name = "",
    tail: Annotated[int, typer.Option(help="Lines from the end of each.", min=0)] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines arrive.")] = False,
    context: options.Context = None,
) -> None:
    """Show what the hive's processes say."""
    from kgents.infra import lifecycle
    from kgents.infra.logs import follow_lines, last_lines

    files = lifecycle.log_files(hives.load(name or current_name(context)))
    chosen = [path for path in files if not process or path.stem == process]
    if process and not chosen:
        raise NotFound(f"No process “{process}”", why=f"there are {', '.join(path.stem for path in files)}")
    for path in chosen:
        for line in last_lines(path, tail):
            typer.echo(_labelled(path, line, alone=bool(process)))
    if follow:
        for path, line in follow_lines(chosen):
            typer.echo(_labelled(path, line, alone=bool(process)))


def _labelled(path: Path, line: str, *, alone: bool) -> str:
    return line if alone else f"{path.stem:<11} {line}"
