"""Options that many commands share, declared once."""

from __future__ import annotations

from typing import Annotated

import typer

from kgents.api import duration
from kgents.api.errors import UsageError
from kgents.glass.look import Freshness

FORMATS = ("table", "wide", "json", "yaml", "name")

Context = Annotated[str | None, typer.Option("--context", help="The kubeconfig context; the current one if left out.")]
Namespace = Annotated[str | None, typer.Option("-n", "--namespace", help="The namespace; the context's if left out.")]
AllNamespaces = Annotated[bool, typer.Option("-A", "--all-namespaces", help="Every namespace.")]
Output = Annotated[str, typer.Option("-o", "--output", help="table, wide, json, yaml or name.")]
Live = Annotated[bool, typer.Option("--require-live", help="No remembered answer: exit 5 when nothing live answers.")]
MaxAge = Annotated[str | None, typer.Option("--max-age", help="Refuse answers that are older, such as 5m.")]
GhostOnly = Annotated[bool, typer.Option("--ghost", help="Ask nothing but this disk.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def freshness(max_age: str | None, require_live: bool, ghost_only: bool) -> Freshness:
    """What the options say. Raises UsageError for an age that is none, and for options that exclude each other."""
    limit = duration.parse(max_age) if max_age is not None else None
    return Freshness(max_age=limit, require_live=require_live, ghost_only=ghost_only)


def check_format(output: str, allowed: tuple[str, ...] = FORMATS) -> str:
    """`output`, or UsageError."""
    if output not in allowed:
        raise UsageError(f"“{output}” is no output format", why=f"there are {', '.join(allowed)}")
    return output
