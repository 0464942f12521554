"""`kgents propose`: ask for a change, and let its risk decide who decides."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from kgents.api import patching
from kgents.api.errors import KgentsError, Refused, UsageError
from kgents.cli import options
from kgents.cli.columns import PROPOSALS
from kgents.cli.output import show, tell_frozen
from kgents.cli.session import Session, open_session, tell
from kgents.glass.answer import Answer
from kgents.glass.look import Freshness

LOOK_EVERY = 0.3
_REFUSED = frozenset({"Blocked", "Rejected"})
_ENDED = frozenset({"Merged", "RolledBack", "Failed", "Expired", "Superseded"})


def propose(
    target: Annotated[str, typer.Argument(help="An agent's name, or kind/name.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever reviews it.")],
    replicas: Annotated[int | None, typer.Option("--replicas", help="So many pods.", min=0)] = None,
    image: Annotated[str | None, typer.Option("--image", help="This image.")] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="PATH=VALUE below spec, such as config.mode=fast; may be repeated."),
    ] = None,
    patch: Annotated[str | None, typer.Option("--patch", help="The change as JSON.")] = None,
    filename: Annotated[str | None, typer.Option("-f", "--filename", help="The change as a file, - for stdin.")] = None,
    type: Annotated[str, typer.Option("--type", help="What the patch is: apply, merge or json.")] = "apply",
    delete: Annotated[bool, typer.Option("--delete", help="Delete the target.")] = False,
    name: Annotated[str | None, typer.Option("--name", help="The proposal's own name.")] = None,
    ttl: Annotated[str | None, typer.Option("--ttl", help="How long it waits for a decision, such as 24h.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change, and its risk.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is merged, or is not going to be.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", help="Wait at most so many seconds.", min=0)] = 300.0,
    namespace: options.Namespace = None,
    output: options.Output = "table",
    context: options.Context = None,
) -> None:
    """Ask for a change of an agent, or of anything else.

    What its umwelt allows an agent, and what risks little, is merged by itself; the rest waits for a person.

    Example: kgents propose scholar --replicas 3 --reason "the queue grows" --wait
    """
    options.check_format(output)
    if dry_run and output == "name":
        raise UsageError("A dry run makes nothing that has a name", fix="Leave -o name out, or --dry-run")
    change = _change(replicas, image, sets or [], patch, filename)
    if delete == (change is not None):
        raise UsageError("Say what should change", why="one of --replicas, --image, --set, --patch, -f or --delete")
    given: dict[str, Any] = {"target": target, "reason": reason, "patchType": type, "name": name, "ttl": ttl}
    given |= {"delete": True} if delete else {"patch": change}
    arguments = {key: value for key, value in given.items() if value is not None}
    session = open_session(context, namespace)
    if dry_run:
        _show_trial(session, session.write("proposals.define", {**arguments, "dryRun": True}), output)
        return
    answer = session.write("proposals.define", arguments)
    made = answer.rows()[0]
    if output == "table":
        typer.echo(f"{made['name']} is proposed in {session.place}")
        tell_frozen(answer.frozen)
    else:
        show(answer, PROPOSALS, output, session.place)
    if wait:
        _wait(session, str(made["name"]), timeout)
    elif output == "table":
        tell(f"See what becomes of it: kgents proposals {made['name']}")


def _change(replicas: int | None, image: str | None, sets: list[str], patch: str | None, filename: str | None) -> Any:
    """The patch that the options make up, or None. A whole patch goes alone."""
    change = patching.parts(replicas, image, sets)
    whole = [text for text in (patch, filename) if text is not None]
    if len(whole) + bool(change) > 1:
        raise UsageError("Give one change", why="--patch and -f are whole changes, and go with no other")
    if patch is not None:
        return patching.whole(patch, "--patch")
    return _read(filename) if filename is not None else change or None


def _read(name: str) -> Any:
    if name == "-":
        return patching.whole(sys.stdin.read(), "stdin")
    return patching.whole(Path(name).read_text(), name)


def _show_trial(session: Session, answer: Answer, output: str) -> None:
    if output in ("json", "yaml"):
        show(answer, PROPOSALS, output, session.place)
        return
    from kgents.cli.diff import print_change

    row = answer.rows()[0]
    if not row["diff"]:
        typer.echo(f"Nothing would change: {row['target']} is as it is asked to be")
    print_change(row)
    tell("Nothing was made: this was a dry run. What was merged and asked for lately adds to the risk")


def _wait(session: Session, name: str, timeout: float) -> None:
    """Returns when it is merged. Raises Refused when it is Blocked or Rejected, KgentsError for other ends."""
    until, told = time.monotonic() + timeout, ""
    while True:
        row = session.read("proposals.get", Freshness(require_live=True), proposal=name).rows()[0]
        phase = str(row["phase"])
        if phase != told:
            told = phase
            tell(f"◎ {phase}" + (f": somebody must look at it (kgents diff {name})" if phase == "Reviewing" else ""))
        if phase == "Merged":
            return
        if phase in _REFUSED:
            fix = "Have it lifted: kgents approve" if phase == "Blocked" else ""
            raise Refused(f"{name} is {phase}", why=_why(row), fix=f"{fix} {name} --reason …" if fix else "")
        if phase in _ENDED:
            raise KgentsError(f"{name} is {phase}", why=_why(row), fix=f"See why: kgents why proposal/{name}")
        if time.monotonic() >= until:
            raise KgentsError(f"{name} is still {phase} after {timeout:g} s", fix=f"Look at it: kgents diff {name}")
        time.sleep(LOOK_EVERY)


def _why(row: dict[str, Any]) -> str:
    settled = [one for one in row.get("conditions") or () if one.get("type") == "Settled"]
    return str(settled[0].get("message") or "") if settled else ""
