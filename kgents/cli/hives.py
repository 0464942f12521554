"""Which hive an `infra` command means, and how one is waited for."""

from __future__ import annotations

import time

import typer

from kgents.api.errors import KgentsError, NotFound, Unreachable
from kgents.infra import hive as hives


def tell(step: str) -> None:
    """Progress is talk: it goes to stderr, so that answers on stdout stay clean."""
    typer.secho("✔ ", fg=typer.colors.GREEN, nl=False, err=True)
    typer.echo(step, err=True)


def current_name(context: str | None = None) -> str:
    """The name of the hive of `context`, or of the current one, else the usual one.

    Raises NotFound for a context that was asked for and has no hive.
    """
    hive = _of_context(context)
    if hive is None and context:
        raise NotFound(
            f"There is no hive in the context {context}", why=names_told(), fix="kgents infra init --context …"
        )
    return hive.name if hive else hives.DEFAULT_HIVE


def bring_up(timeout: float) -> str:
    """The context of a running embedded hive: the current one if it is such, else the usual one. Made if need be."""
    from kgents.infra import isolated, lifecycle

    current = _of_context(None)
    name = current.name if current and current.cluster is None else hives.DEFAULT_HIVE
    hive = lifecycle.init(name, tell, timeout=timeout)
    wait_for_cortex(hive, timeout)
    if caution := isolated.line(hive):
        tell(caution)
    return hive.context


def _of_context(context: str | None) -> hives.Hive | None:
    from kgents.glass.context import resolve

    try:
        target = resolve(context)
    except KgentsError:
        if context:
            return hives.of_context(context)  # its kubeconfig may be broken; the hive's own files are not
        return None  # no usable kubeconfig: the usual hive brings its own context along
    hive = hives.of_context(target.context)
    return hive if hive and hive.server == target.server else None


def farewell(name: str, *, keep_cluster: bool) -> str:
    """The question before a hive is deleted."""
    try:
        hive = hives.load(name)
    except KgentsError:
        hive = hives.Hive(name)  # damaged: to be deleted all the same
    if hive.cluster is None:
        return f"Delete the hive “{name}” with all its agents and memories?"
    if keep_cluster:
        return f"Forget the hive “{name}” on this machine, and leave what it made in {hive.context}?"
    if hive.cluster.kind:
        return f"Delete the hive “{name}” and with it all of the kind cluster {hive.cluster.kind}?"
    from kgents.infra import cluster

    there = ", ".join(f"{plural}: {count}" for plural, count in cluster.contents(hive).items())
    return f"Delete the hive “{name}” and what it made in {hive.context}" + (f" ({there})?" if there else "?")


def wait_for_cortex(hive: hives.Hive, timeout: float) -> None:
    """Returns once the hive's Cortex answers what `status` asks. Raises Unreachable when it does not in time."""
    from kgents.api.paths import path_of
    from kgents.glass.answer import NextLayer
    from kgents.glass.context import Target
    from kgents.glass.cortex import Cortex

    deadline = time.monotonic() + timeout
    cortex = Cortex(Target(hive.context, hive.server).key)
    while True:
        try:
            cortex.read(path_of("agents.list"), {}, "default")
            return
        except NextLayer as error:
            if time.monotonic() > deadline:
                raise Unreachable(
                    f"Cortex does not answer after {timeout:.0f} s", why=str(error), fix="kgents infra logs cortex"
                ) from error
        time.sleep(0.03)


def names_told() -> str:
    """The hives that there are, in words."""
    found = hives.known()
    return f"there are {', '.join(found)}" if found else "there is none yet"
