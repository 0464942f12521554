"""`kgents infra …`: bring a hive up, look after it, take it down."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kgents.api.errors import NotFound, Unreachable, UsageError
from kgents.cli import infra_crd, options
from kgents.cli.hives import current_name, farewell, names_told, tell, wait_for_cortex
from kgents.infra import hive as hives

if TYPE_CHECKING:
    from kgents.infra.installing import Wish

app = typer.Typer(help="Bring a hive up, look after it, take it down.", no_args_is_help=True)
app.add_typer(infra_crd.app, name="crd")


def _named(given: typer.Context, option: typer.CallbackParam, value: str) -> str:
    """An empty name, a script's unset variable, must not mean the current hive: it may be there to be deleted."""
    source = given.get_parameter_source(str(option.name))
    if not value and source is not None and source.name == "COMMANDLINE":
        raise UsageError("--name is empty", fix="Name the hive, or leave --name out for the current one")
    return value


NewName = Annotated[
    str,
    typer.Option(
        "--name",
        "--hive",
        help="The hive's name; laptop, or the context's, if left out.",
        metavar="NAME",
        callback=_named,
    ),
]
Name = Annotated[
    str,
    typer.Option(
        "--name", "--hive", help="The hive's name; the current context's if left out.", metavar="NAME", callback=_named
    ),
]


@app.command()
def init(
    name: NewName = "",
    context: Annotated[
        str, typer.Option("--context", help="In this cluster, not on this machine.", metavar="CONTEXT")
    ] = "",
    kind: Annotated[bool, typer.Option("--kind", help="In a kind cluster called NAME, made if need be.")] = False,
    in_cluster: Annotated[
        bool, typer.Option("--in-cluster", help="The operators and Cortex run in the cluster, not on this machine.")
    ] = False,
    namespace: Annotated[
        str, typer.Option("-n", "--namespace", help="In a cluster: where agents go; made if missing.")
    ] = "",
    image_registry: Annotated[
        str, typer.Option("--image-registry", help="With --in-cluster: where its images are.", metavar="PREFIX")
    ] = "",
    operators_image: Annotated[str, typer.Option("--operators-image", help="That of the operators.")] = "",
    cortex_image: Annotated[str, typer.Option("--cortex-image", help="That of Cortex.")] = "",
    memory_image: Annotated[str, typer.Option("--memory-image", help="That of memory sidecars.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="In a cluster: print what would be applied; send nothing.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="With --in-cluster: until the operators and Cortex are up.")
    ] = True,
    force: Annotated[
        bool, typer.Option("--force", help="In a cluster: replace kinds though stored objects may not fit them.")
    ] = False,
    force_conflicts: Annotated[
        bool, typer.Option("--force-conflicts", help="In a cluster: take over fields that others manage.")
    ] = False,
    api_only: Annotated[bool, typer.Option("--api-only", help="The API server alone.")] = False,
    no_kubeconfig: Annotated[bool, typer.Option("--no-kubeconfig", help="Leave your kubeconfig alone.")] = False,
    timeout: Annotated[
        float | None, typer.Option(help="Seconds to wait for it: 60, with --in-cluster 300.", min=1, show_default=False)
    ] = None,
) -> None:
    """Bring up a hive, here or in a cluster.

    On this machine nothing else needs to be installed; with --context it lives in any cluster of your kubeconfig.
    Doing it again changes nothing. Its context is selected in your kubeconfig; that of a hive on this machine is
    added there as kgents-NAME, as kind does it. In a cluster it makes the kinds, the permissions and the namespace
    kgents-system. Cortex and the operators run on this machine, for as long as it is awake; with --in-cluster they are
    Deployments there, as a hive that is shared or left alone needs it.

    Example: kgents infra init && kubectl get agents
    Example: kgents infra init --context staging --in-cluster --dry-run
    """
    from kgents.infra.manifests import Images

    chosen = (image_registry, operators_image, cortex_image, memory_image)
    if any(chosen) and not in_cluster:
        raise UsageError("Images go with --in-cluster", fix="Leave them out: programs of this machine need none")
    if not context and not kind:
        if in_cluster or dry_run or namespace or force or force_conflicts:
            raise UsageError(
                "--in-cluster, --dry-run, --namespace, --force and --force-conflicts are for clusters",
                fix="Name one with --context, or use --kind",
            )
        _init_here(name, api_only=api_only, select=not no_kubeconfig, timeout=timeout or 60.0)
        return
    if api_only or (context and kind):
        raise UsageError("--api-only, --kind and --context exclude each other", fix="Give one of them")
    from kgents.infra.installing import Wish

    images = Images.of(*chosen) if in_cluster else None
    wish = Wish(images, namespace, force, force_conflicts, wait)
    patience = timeout or (300.0 if in_cluster else 60.0)
    if dry_run:
        _print_plan(wish)
    else:
        _init_there(context, name, wish, kind=kind, select=not no_kubeconfig, timeout=patience)


def _init_here(name: str, *, api_only: bool, select: bool, timeout: float) -> None:
    from kgents.infra import isolated, lifecycle

    hive = lifecycle.init(name or hives.DEFAULT_HIVE, tell, api_only=api_only, select=select, timeout=timeout)
    if not api_only:
        wait_for_cortex(hive, timeout)
        if caution := isolated.line(hive):
            tell(caution)
        tell("Cortex serves: try kgents status")


def _init_there(context: str, name: str, wish: Wish, *, kind: bool, select: bool, timeout: float) -> None:
    from kgents.infra import cluster
    from kgents.infra import kind as kinds

    made = ""
    if kind:
        name = name or kinds.USUAL
        context = kinds.context_of(name)
        made = name if kinds.make(name, timeout) else ""
        tell(f"{'made' if made else 'found'} the kind cluster {name}")
    hive = cluster.init(context, name, tell, wish, kind=made, select=select, timeout=timeout)
    if hive.deployed:
        tell("try kgents status")
        return
    if not cluster.operators_act(hive, timeout):
        raise Unreachable("The operators do not come to work", fix="See why: kgents infra logs operators")
    wait_for_cortex(hive, timeout)
    tell("Cortex serves: try kgents status")


def _print_plan(wish: Wish) -> None:
    import yaml

    from kgents.infra.deployed import AUTHORITY, CERTIFICATE
    from kgents.infra.installing import plan

    for obj in plan(wish):
        made = obj["metadata"]["name"] in (CERTIFICATE, AUTHORITY)
        note = "# Its data are made when it is applied, and stay.\n" if made and obj.get("data") == {} else ""
        typer.echo(f"---\n{note}{yaml.safe_dump(obj, sort_keys=False, allow_unicode=True)}", nl=False)


@app.command()
def status(name: Name = "", output: options.Output = "table", context: options.Context = None) -> None:
    """The hive's processes, and how it is.

    Example: kgents infra status -o json
    """
    from kgents.cli.infra_status import infra_status

    infra_status(hives.load(name or current_name(context)), output)


@app.command()
def verify(
    name: Name = "",
    canary: Annotated[
        bool, typer.Option("--canary/--no-canary", help="Make an agent for a moment, and see it react to a signal.")
    ] = True,
    canary_image: Annotated[
        str, typer.Option("--canary-image", help="In a cluster: what it runs; it needs a shell.", metavar="IMAGE")
    ] = "",
    output: Annotated[str, typer.Option("-o", "--output", help="table or json.")] = "table",
    timeout: Annotated[
        float, typer.Option(help="Seconds for all of it; each check has a limit of its own.", min=1)
    ] = 180,
    context: options.Context = None,
) -> None:
    """Whether the hive works: what is checked, what is not well, why, and the command that mends it.

    Exits 0 when all is well, 1 when something is not. Nothing is changed, but that a canary comes and goes.

    Example: kgents infra verify --context staging
    Example: kgents infra verify --no-canary -o json
    """
    if name and context:
        raise UsageError("--name and --context exclude each other", fix="Give one of them")
    from kgents.cli.infra_verify import infra_verify

    infra_verify(name, context, output, canary=canary, image=canary_image, timeout=timeout)


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

    hive = hives.load(name or current_name(context))
    if hive.deployed:
        raise UsageError(
            f"The processes of “{hive.name}” run in {hive.context}, and so do their logs",
            fix=f"kubectl --context {hive.context} -n kgents-system logs deploy/kgents-operators (or kgents-cortex)",
        )
    files = lifecycle.log_files(hive)
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
