"""`kgents version`."""

from __future__ import annotations

import typer

import kgents


def version() -> None:
    """The version of kgents."""
    typer.echo(f"kgents {kgents.__version__}")
