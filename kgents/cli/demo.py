"""`kgents demo`: the example hive, five plain programs that coordinate; `kgents demo governance`: a story."""

from __future__ import annotations

import os
import sys
import time
from typing import Annotated, Any, NoReturn

import typer

from kgents.api.errors import KgentsError, UsageError
from kgents.cli import options
from kgents.cli.hives import bring_up, tell
from kgents.cli.session import Session, open_session
from kgents.glass.look import Freshness

_NEXT = """
Try next:
  kgents terrarium           all of it on one screen: who works, signals that fade, what is said
  kgents logs worker -f      watch it back off when WARNING is strong
  kubectl get agents,pods    it is all Kubernetes
"""


STORIES = ("governance",)


def demo(
    story: Annotated[
        str | None, typer.Argument(help="governance: the story of an agent that may change itself, instead.")
    ] = None,
    namespace: options.Namespace = None,
    context: options.Context = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait until the agents run.", min=1)] = 120.0,
) -> None:
    """Plant the example hive: five agents, four of which know nothing of kgents.

    Without --context they live in the embedded hive of this machine, which is brought up first if need be.
    Doing it again changes nothing.

    Example: kgents demo && kgents observe -f
    """
    if story is not None:
        _play(story, context, timeout)
    from kgents.cli.columns import AGENTS
    from kgents.cli.output import show
    from kgents.infra import manifests

    session = open_session(context or bring_up(timeout), namespace)
    objects = manifests.example_hive()
    session.write("cluster.apply", {"objects": objects})
    names = [item["metadata"]["name"] for item in objects if item["kind"] == "Agent"]
    tell(f"planted {', '.join(names)} in {session.place}")
    _wait_until_running(session, names, timeout)
    answer = session.read("agents.list", Freshness())
    typer.echo(err=True)
    show(answer, AGENTS, "table", session.place)
    sys.stdout.flush()  # the table first, though it goes another way
    typer.echo(_NEXT.rstrip(), err=True)


def _play(story: str, context: str | None, timeout: float) -> NoReturn:
    """Shows one of the shipped stories, and ends as it does."""
    from kgents.infra import manifests

    if story not in STORIES:
        raise UsageError(f"“{story[:40]}” is no story", why=f"there are {', '.join(STORIES)}")
    command = [sys.executable, str(manifests.data_dir(story) / "story.py"), "--context", context or bring_up(timeout)]
    sys.stdout.flush()
    os.execv(command[0], command)  # no parent that would kill it on Ctrl-C before it has tidied up


def _wait_until_running(session: Session, names: list[str], timeout: float) -> None:
    """Tells of each agent as it comes to run. Raises KgentsError with the reasons of those that don't in time."""
    deadline = time.monotonic() + timeout
    waiting = list(names)
    rows: dict[str, dict[str, Any]] = {}
    while waiting:
        rows = {row["name"]: row for row in session.read("agents.list", Freshness(require_live=True)).rows()}
        for name in [name for name in waiting if rows.get(name, {}).get("phase") == "Running"]:
            waiting.remove(name)
            tell(f"{name} runs")
        if waiting and time.monotonic() > deadline:
            reasons = [f"{name} is {rows.get(name, {}).get('phase', 'Unknown')}" for name in waiting]
            raise KgentsError(
                f"Not all agents run after {timeout:.0f} s", why=", ".join(reasons), fix=f"kgents status {waiting[0]}"
            )
        if waiting:
            time.sleep(0.2)
