"""`kgents mcp`: the hive for language models."""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from kgents.api.errors import KgentsError, UsageError
from kgents.cli import options
from kgents.cli.session import tell
from kgents.glass import context as contexts

_PASSED_ON = ("KGENTS_HOME", "KUBECONFIG")


def mcp(
    http: Annotated[
        str | None, typer.Option("--http", help="Serve at HOST:PORT of this machine instead of stdin and stdout.")
    ] = None,
    config: Annotated[bool, typer.Option("--config", help="Print what makes a client start it.")] = False,
    namespace: options.Namespace = None,
    all_namespaces: options.AllNamespaces = False,
    context: options.Context = None,
) -> None:
    """The hive as an MCP server: language models look, emit signals and propose; they decide nothing.

    Clients start it themselves, and speak to it over stdin and stdout; --config prints how.

    Example: kgents mcp --http 127.0.0.1:8750
    """
    if config:
        typer.echo(json.dumps(_config(context, namespace, all_namespaces), indent=2))
        return
    if http is None and sys.stdin.isatty():
        raise UsageError("An MCP client starts this, not a person", fix="See how to register it: kgents mcp --config")
    if importlib.util.find_spec("mcp") is None:
        raise KgentsError("The MCP SDK is not installed", fix="Get it: pip install 'kgents[mcp]'")
    gc.enable()  # it lives long

    from kgents.mcp import serving  # with the SDK: most of a second, for this command alone
    from kgents.mcp.hive import Hive

    hive = Hive(context, namespace, everywhere=all_namespaces)
    if http is None:
        serving.over_stdio(hive)
    else:
        serving.over_http(hive, http, tell)


def _config(context: str | None, namespace: str | None, everywhere: bool) -> dict[str, Any]:
    """What nearly every client reads. It names the hive: a client must not wander with the kubeconfig."""
    target = contexts.resolve_for_ghost(context, namespace)
    script = Path(sys.executable).with_name("kgents")
    command = [str(script)] if script.exists() else [sys.executable, "-m", "kgents.cli.main"]
    where = ["-A"] if everywhere else ["-n", namespace] if namespace else []
    environment = {name: os.environ[name] for name in _PASSED_ON if os.environ.get(name)}
    server = {"command": command[0], "args": [*command[1:], "mcp", "--context", target.context, *where]}
    return {"mcpServers": {"kgents": {**server, **({"env": environment} if environment else {})}}}
