"""`kgents run NAME -- COMMAND`: an agent of any program, followed until it runs or it is plain why it does not."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from kgents.api.errors import UsageError
from kgents.api.kinds import API_VERSION
from kgents.api.names import check_agent_name
from kgents.cli import options
from kgents.cli.session import open_session, tell

_KINDS_OF_ENV = {"configmap": "configMapRef", "secret": "secretRef"}


def run(
    name: Annotated[str, typer.Argument(help="What the agent is called.")],
    command: Annotated[list[str] | None, typer.Argument(help="The program and its arguments, after a --.")] = None,
    env: Annotated[list[str] | None, typer.Option("--env", help="NAME=VALUE; may be given again.")] = None,
    env_from: Annotated[list[str] | None, typer.Option("--env-from", help="configmap/NAME or secret/NAME.")] = None,
    image: Annotated[str | None, typer.Option("--image", help="An image; then the command is found inside it.")] = None,
    port: Annotated[list[int] | None, typer.Option("--port", help="A port it listens on.", min=1, max=65535)] = None,
    replicas: Annotated[int, typer.Option("--replicas", help="How many of it.", min=0)] = 1,
    genus: Annotated[str | None, typer.Option("--genus", help="A label for people, A to Z.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the agent, make nothing.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it until it runs.")] = True,
    timeout: Annotated[float, typer.Option("--timeout", help="Follow it for so many seconds.", min=0)] = 120.0,
    output: Annotated[str, typer.Option("-o", "--output", help="Of a dry run: yaml or json.")] = "yaml",
    namespace: options.Namespace = None,
    context: options.Context = None,
) -> None:
    """Make an agent of any program, with this folder as its working directory.

    Doing it again with another command changes the agent.

    Example: kgents run scholar --port 8000 -- python -m http.server 8000
    """
    options.check_format(output, ("yaml", "json"))
    check_agent_name(name)
    spec = make_spec(command or [], env or [], env_from or [], image, port or [], replicas, genus)
    if dry_run:
        _print_manifest(name, spec, namespace, output)
        return
    session = open_session(context, namespace)
    if image is None:
        _check_runs_programs(session.target.context)
    session.write("agents.define", {"spec": spec}, agent=name)
    tell(f"► {name} is made in {session.place}")
    if wait and replicas:
        from kgents.cli.progress import follow_until_ready

        follow_until_ready(session, name, timeout)
    typer.echo(f"{name} is " + ("paused: it has 0 replicas" if not replicas else "running" if wait else "made"))


def _check_runs_programs(context: str) -> None:
    """Raises UsageError where pods run images on nodes that know nothing of this machine's programs."""
    from kgents.infra.hive import of_context

    hive = of_context(context)
    if hive is not None and hive.cluster is not None:
        why = f"{context} is a cluster, where this machine's programs are not"
        raise UsageError("An image is needed", why=why, fix="Give one that has the program: --image IMAGE")


def make_spec(
    command: list[str],
    env: list[str],
    env_from: list[str],
    image: str | None,
    ports: list[int],
    replicas: int,
    genus: str | None,
) -> dict[str, Any]:
    """The agent's spec. Raises UsageError for a program that is not there, and for a malformed option."""
    if not command and image is None:
        raise UsageError("There is nothing to run", fix="Put the command after a --: kgents run NAME -- COMMAND")
    spec: dict[str, Any] = {}
    if genus:
        spec["genus"] = genus
    if image is not None:
        spec["image"] = image
    else:
        spec["workingDir"] = str(Path.cwd())
    if command:
        program = command[0] if image is not None else find_program(command[0])
        spec |= {"command": [program], **({"args": command[1:]} if command[1:] else {})}
    if env:
        spec["env"] = [_variable(one) for one in env]
    if env_from:
        spec["envFrom"] = [_variables_of(one) for one in env_from]
    if ports:
        spec["ports"] = [{"name": f"port-{number}", "containerPort": number} for number in ports]
    spec["replicas"] = replicas
    return spec


def find_program(name: str) -> str:
    """The absolute path of a program. A link stays one: a virtual environment's python must not be resolved."""
    found = shutil.which(name)
    if found is None:
        why = f"{name} cannot be executed" if Path(name).is_file() else "it is neither on PATH nor a file here"
        raise UsageError(f"There is no program “{name[:200]}”", why=why, fix="Give its path, or an --image that has it")
    return os.path.abspath(found)  # noqa: PTH100 - Path.absolute keeps ".." in it


def _variable(text: str) -> dict[str, str]:
    name, equals, value = text.partition("=")
    if not name:
        raise UsageError(f"“{text}” is no variable", fix="Write it NAME=VALUE")
    if not equals:
        if name not in os.environ:
            raise UsageError(f"There is no variable {name} here to pass on", fix="Write it NAME=VALUE")
        value = os.environ[name]
    return {"name": name, "value": value}


def _variables_of(text: str) -> dict[str, Any]:
    kind, _, name = text.partition("/")
    reference = _KINDS_OF_ENV.get(kind.lower())
    if reference is None or not name:
        raise UsageError(f"“{text}” is no source of variables", fix="Write it configmap/NAME or secret/NAME")
    return {reference: {"name": name}}


def _print_manifest(name: str, spec: dict[str, Any], namespace: str | None, output: str) -> None:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    manifest = {"apiVersion": API_VERSION, "kind": "Agent", "metadata": metadata, "spec": spec}
    if output == "json":
        import json

        sys.stdout.write(json.dumps(manifest, indent=2) + "\n")
        return
    from kgents.cli.output import yaml_text

    sys.stdout.write(yaml_text(manifest))
