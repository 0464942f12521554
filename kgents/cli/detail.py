"""What `status AGENT` and `proposals NAME` say below the row: the rest of the object, for people to read.

A remembered answer may hold less than a live one; what is not known is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import typer

from kgents.cli.columns import Row, printable
from kgents.cli.output import coloured

Section = tuple[str, list[str]]
_COLOURS = {"+": typer.colors.GREEN, "-": typer.colors.RED, "~": typer.colors.YELLOW}
MOST = 10
"""So many lines of a section are shown."""


def of_agent(row: Row) -> Iterator[Section]:
    """Conditions, pods, reactions, signals and proposals of one agent."""
    yield "Conditions", _conditions(row)
    yield "Pods", [_pod(pod) for pod in _parts(row, "pods")]
    yield "Reactions", [_reaction(one) for one in _parts(row, "reactions")]
    yield "Signals", [_signal(one, str(row.get("name"))) for one in _parts(row, "pheromones")]
    yield "Proposals", [_proposal(one) for one in _parts(row, "proposals")]
    counted = []
    if row.get("suppressedSignals"):
        counted.append(f"{row['suppressedSignals']} log lines matched and became no signal (minInterval, umwelt)")
    if row.get("refusedWrites"):
        counted.append(f"{row['refusedWrites']} writes were refused by the policy gate (kubectl get events)")
    yield "Counted", counted


def of_proposal(row: Row) -> Iterator[Section]:
    """What it would change, what its risk is made of, who said what, and who decided."""
    diff = row.get("diff")
    yield "Change", diff.splitlines() if isinstance(diff, str) else list(diff or ())
    yield "Risk", [str(one) for one in row.get("riskReasons") or ()]
    spoke = [one for one in _parts(row, "evidence") if one.get("source") != "risk"]
    yield "Evidence", [f"{one.get('source')}: {one.get('message')}" for one in spoke]
    yield "Decision", _decision(row)
    yield "Conditions", _conditions(row)


def print_detail(sections: Iterable[Section]) -> None:
    """Prints the sections that have something to say."""
    for title, lines in sections:
        if lines:
            typer.echo(f"\n{title}")
        for line in lines[:MOST]:
            text = printable(line)
            typer.secho(f"  {text}", fg=_COLOURS.get(text[:1]) if title == "Change" and coloured() else None)
        if len(lines) > MOST:
            typer.echo(f"  … {len(lines) - MOST} more: -o yaml")


def _decision(row: Row) -> list[str]:
    decision = (row.get("spec") or {}).get("decision") or {}
    if not decision:
        return []
    words = [word for word, said in (("approved", True), ("rejected", False)) if decision.get("approved") is said]
    words += ["taken back"] if decision.get("rollback") else []
    by = f" by {decision['by']}" if decision.get("by") else ""
    return [f"{' and '.join(words) or 'decided'}{by}" + (f": {decision['reason']}" if decision.get("reason") else "")]


def _conditions(row: Row) -> list[str]:
    listed = []
    for one in _parts(row, "conditions"):
        why = one.get("message") or one.get("reason")
        listed.append(f"{one.get('type')} is {one.get('status')}" + (f": {why}" if why else ""))
    return listed


def _pod(pod: Mapping[str, Any]) -> str:
    ready = "ready" if pod.get("ready") else "not ready"
    where = f" at {pod['ip']}" if pod.get("ip") else ""
    return f"{pod.get('name')} {pod.get('phase')}, {ready}, {pod.get('restarts', 0)} restarts{where}"


def _reaction(one: Mapping[str, Any]) -> str:
    state = "active" if one.get("active") else "quiet"
    return f"{one.get('type')} from {one.get('minIntensity')}: {state} since {one.get('since')}"


def _signal(one: Mapping[str, Any], agent: str) -> str:
    way = "gave" if one.get("source") == agent else "is meant for it, from " + str(one.get("source") or "somebody")
    said = f": {one['payload']}" if one.get("payload") else ""
    return f"{one.get('type')} {float(one.get('intensity') or 0.0):.2f} ({way}){said}"


def _proposal(one: Mapping[str, Any]) -> str:
    return f"{one.get('name')} {one.get('phase')}, by {one.get('proposer')}: {one.get('reason')}"


def _parts(row: Row, key: str) -> list[dict[str, Any]]:
    return [one for one in row.get(key) or () if isinstance(one, dict)]
