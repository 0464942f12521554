"""`kgents adopt` and `kgents release`: a workload that somebody else made becomes an agent, and ceases to be one."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from kgents.api import sensing
from kgents.api.errors import KgentsError, NotFound, Refused, UsageError
from kgents.api.names import suggest
from kgents.cli import options
from kgents.cli.asking import confirm
from kgents.cli.columns import printable
from kgents.cli.session import Session, open_session, tell
from kgents.glass.look import Freshness

_PAUSE = 0.1


def adopt(
    workload: Annotated[
        str, typer.Argument(help="deploy/NAME, statefulset/NAME, agent.kagent.dev/NAME, sandbox/NAME.")
    ],
    name: Annotated[str | None, typer.Option("--as", help="What the agent is called; else as the workload.")] = None,
    container: Annotated[str | None, typer.Option("--container", help="The container whose log is read.")] = None,
    signals: Annotated[
        list[str] | None,
        typer.Option("--signal", help="TYPE=PATTERN: a log line that matches becomes a signal; may be repeated."),
    ] = None,
    port: Annotated[
        list[int] | None, typer.Option("--port", help="A port it listens on, for reactions.", min=1, max=65535)
    ] = None,
    genus: Annotated[str | None, typer.Option("--genus", help="A label for people, A to Z.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it until it is seen running.")] = True,
    timeout: Annotated[float, typer.Option("--timeout", help="Follow it for so many seconds.", min=0)] = 60.0,
    namespace: options.Namespace = None,
    context: options.Context = None,
) -> None:
    """Make an agent of a workload that is there, and change nothing of it: no label, no owner, no restart.

    It takes the right to patch the workload. Adopting it again takes up one that was made anew, or other signals.

    Example: kgents adopt deploy/support-bot --signal 'WARNING=ERROR (?P<what>.+)'
    """
    given: dict[str, Any] = {"workload": workload, "container": container, "genus": genus}
    given["signals"] = [_signal(one) for one in signals or ()]
    given["ports"] = [{"name": f"port-{number}", "containerPort": number} for number in port or ()]
    session = open_session(context, namespace)
    agent = name or suggest(workload.rpartition("/")[2])
    arguments = {key: value for key, value in given.items() if value}
    row = session.write("agents.adopt", arguments, agent=agent).rows()[0]
    tell(f"► {row['adopts']} is adopted as {agent} in {session.place}; nothing of it is changed")
    if row.get("keeper"):
        tell(f"{row['keeper']} keeps it as it is: proposals are Blocked, with the patch to carry there")
    if wait:
        _follow(session, agent, timeout)
    typer.echo(f"{agent} is adopted")


def release(
    agent: Annotated[str, typer.Argument(help="The agent's name.")],
    yes: options.Yes = False,
    namespace: options.Namespace = None,
    context: options.Context = None,
) -> None:
    """Let an adopted workload go: the agent is deleted, the workload runs on, and nothing of kgents is left on it.

    What merged proposals changed of it stays changed.

    Example: kgents release support-bot --yes
    """
    session = open_session(context, namespace)
    confirm(f"Release what “{agent}” in {session.place} has adopted?", yes=yes)
    say_released(session.write("agents.release", agent=agent).rows()[0], session.place)


def say_released(row: dict[str, Any], place: str) -> None:
    """What became of it."""
    typer.echo(f"{row['name']} is released from {place}: {row['released']} runs on as it is, and is nobody's agent")
    if row.get("left"):
        tell(f"left on it: {row['left']}")


def _follow(session: Session, agent: str, timeout: float) -> None:
    """Returns once the operators have taken it up. Raises Refused with their reason when they do not."""
    until = time.monotonic() + timeout
    while True:
        row = _look(session, agent)
        conditions = {one["type"]: one for one in row.get("conditions") or ()}
        adopted = conditions.get("Adopted") or {}
        if adopted and adopted.get("observedGeneration") == row.get("generation"):
            if adopted.get("status") == "True":
                tell(f"◎ {row['phase']} {row['readyReplicas']}/{row['replicas']}: {printable(adopted['message'])}")
                for type in ("ForeignPods", "ReactionsReach", "NotActedOn", "SignalsValid"):
                    said = conditions.get(type) or {}
                    if said and said.get("status") == ("True" if type in ("ForeignPods", "NotActedOn") else "False"):
                        tell(f"◎ {printable(said['message'])}")
                return
            if adopted.get("status") == "False":
                raise Refused(
                    f"{agent} is not adopted", why=printable(adopted["message"]), fix=f"kgents release {agent}"
                )
        if time.monotonic() >= until:
            raise KgentsError(f"{agent} is not adopted after {timeout:g} s", fix="See kgents infra status")
        time.sleep(_PAUSE)


def _look(session: Session, agent: str) -> dict[str, Any]:
    try:
        return session.read("agents.get", Freshness(require_live=True), agent=agent).rows()[0]
    except NotFound:
        return {}  # a mirror may be a moment behind the write


def _signal(text: str) -> dict[str, str]:
    kind, equals, pattern = text.partition("=")
    if not equals or not pattern:
        raise UsageError(f"“{text[:80]}” is no rule for signals", fix="Write it TYPE=PATTERN, such as WARNING=ERROR")
    [type] = sensing.known([kind])
    return {"type": type, "match": pattern}
