"""`kgents infra status`: a hive's processes as this machine sees them, and its health as the hive itself tells it."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from kgents import __version__
from kgents.api import duration, times
from kgents.api.errors import Unreachable
from kgents.api.paths import path_of
from kgents.cli import options
from kgents.cli.columns import Column, key
from kgents.cli.dating import dated
from kgents.cli.output import aligned, tell_frozen, yaml_text
from kgents.cli.session import open_session, tell
from kgents.cli.shape import compact
from kgents.glass.answer import Answer
from kgents.glass.look import Freshness
from kgents.infra import isolated, revive, stored
from kgents.infra.hive import Hive

_PROCESSES = [
    Column("PROCESS", key("name"), "name"),
    Column("STATE", key("state")),
    Column("PID", key("pid"), "number"),
    Column("RESTARTS", key("restarts"), "number"),
    Column("LAST EXIT", key("lastExit"), "number"),
    Column("SINCE", lambda row: duration.age(row["ageSeconds"]) if row["pid"] else None, "number"),
]


def infra_status(hive: Hive, output: str) -> None:
    """Prints it. Raises Unreachable, after what is known here has been printed, when no layer knows of the hive."""
    options.check_format(output, ("table", "json", "yaml"))
    # The hive's own files: the user's kubeconfig may know nothing of it (--no-kubeconfig), or be broken.
    os.environ["KUBECONFIG"] = hive.kubeconfigs
    here = local_state(hive, time.time())
    answer, trouble = _ask(hive)
    if output == "table":
        _print_table(hive, here, answer)
    else:
        _print_object(here, answer, output)
    if trouble is not None:
        raise trouble


def local_state(hive: Hive, now: float) -> dict[str, Any]:
    """What this machine knows without asking anybody."""
    supervised = revive.is_supervised(hive)
    said = revive.state(hive)
    processes = [_process(name, facts, supervised, now) for name, facts in said.get("processes", {}).items()]
    return {
        "name": hive.name,
        "context": hive.context,
        "embedded": hive.cluster is None,
        "version": __version__,
        "folder": str(hive.dir),
        "server": hive.server,
        "state": _state(hive, supervised),
        "supervisorPid": said.get("pid") if supervised else None,
        "processes": processes,
        "isolation": isolated.state(hive),
        "storeTrouble": stored.trouble(hive) or None,
    }


def _state(hive: Hive, supervised: bool) -> str:
    if hive.deployed:
        return "in the cluster"
    return "running" if supervised else "stopped" if hive.stopped_file.exists() else "down"


def _process(name: str, facts: dict[str, Any], supervised: bool, now: float) -> dict[str, Any]:
    pid = facts.get("pid") if supervised else None
    started = float(facts.get("startedAt") or 0.0)
    return {
        "name": name,
        "state": "running" if pid else "starting" if supervised else "stopped",
        "pid": pid,
        "restarts": facts.get("restarts", 0),
        "lastExit": facts.get("lastExit"),
        "since": times.to_text(started) if pid else None,
        "ageSeconds": round(max(now - started, 0.0), 1) if pid else None,
    }


def _ask(hive: Hive) -> tuple[Answer | None, Unreachable | None]:
    try:
        return open_session(hive.context, None).read("cluster.manifest", Freshness()), None
    except Unreachable as error:
        return None, error


def _print_object(here: dict[str, Any], answer: Answer | None, output: str) -> None:
    item = {**(answer.rows()[0] if answer and answer.items else {}), "hive": here}
    source = answer.source.to_dict() if answer else None
    frozen = {"frozen": answer.frozen} if answer and answer.frozen else {}
    document = {"path": path_of("cluster.manifest"), "source": source, **frozen, "item": item}
    sys.stdout.write(compact(document) + "\n" if output == "json" else yaml_text(json.loads(json.dumps(document))))


def _print_table(hive: Hive, here: dict[str, Any], answer: Answer | None) -> None:
    for line in aligned(here["processes"], _PROCESSES):
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
    tell(f"hive {hive.name} · {hive.context} · {hive.server} · {here['state']}")
    if answer and answer.items:
        tell(_versions(answer.rows()[0]))
        tell(f"{_summary(answer.rows()[0], answer.source.layer == 'ghost')} · {dated(answer.source)}")
    if answer:
        tell_frozen(answer.frozen)
    if here["storeTrouble"]:
        tell(here["storeTrouble"])
    # Said each time, so that nobody takes a hive on a laptop for more than it is.
    if caution := isolated.line(hive):
        tell(caution)


def _versions(row: dict[str, Any]) -> str:
    found = {one.get("name"): one.get("version") for one in row.get("components", [])}
    return f"kgents {__version__}" + (f" · Kubernetes {found['apiserver']}" if found.get("apiserver") else "")


def _summary(row: dict[str, Any], remembered: bool) -> str:
    reachable = row.get("reachable", row.get("ready"))
    yes, no = ("answered", "did not answer") if remembered else ("answers", "does not answer")
    parts = [f"the API {yes if reachable else no}"]
    counts = {kind.get("kind"): kind.get("count") for kind in row.get("kinds", [])}
    phases = row.get("agents", {}).get("byPhase", {})
    if "agents" in row:
        split = ", ".join(f"{count} {phase}" for phase, count in sorted(phases.items()))
        parts.append(f"{row['agents'].get('total', 0)} agents" + (f" ({split})" if split else ""))
    if counts.get("Pod") is not None:
        parts.append(f"{counts['Pod']} pods")
    if counts.get("Pheromone") is not None:
        parts.append(f"{counts['Pheromone']} signals")
    return " · ".join(parts)
