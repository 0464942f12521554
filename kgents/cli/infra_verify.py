"""`kgents infra verify`: whether a hive works, in words, with a fix for what does not."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import typer

from kgents.cli import options

if TYPE_CHECKING:
    from kgents.infra.verify.check import Result

_MARKS = {"ok": ("✔", typer.colors.GREEN), "fail": ("✖", typer.colors.RED)}
_OTHER = ("!", typer.colors.YELLOW)


def infra_verify(name: str, context: str | None, output: str, *, canary: bool, image: str, timeout: float) -> None:
    """Prints each check as it is done. Exits 1 when one has failed."""
    options.check_format(output, ("table", "json"))
    from kgents.infra.verify.table import verify

    printer = Printer()
    tell = printer.print if output == "table" else lambda result: None
    results = verify(name, context, tell, with_canary=canary, image=image, timeout=timeout)
    well = all(result.status != "fail" for result in results)
    if output == "json":
        document = {"checks": [result.to_dict() for result in results], "ok": well}
        sys.stdout.write(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    else:
        failed = sum(result.status == "fail" for result in results)
        typer.echo("\nall is well" if well else f"\n{failed} of {len(results)} checks failed")
    if not well:
        raise typer.Exit(1)


class Printer:
    """One line for each check, below its group's name; why and the fix below what failed."""

    def __init__(self) -> None:
        self._group = ""

    def print(self, result: Result) -> None:
        if result.group != self._group:
            typer.echo(("\n" if self._group else "") + result.group)
            self._group = result.group
        mark, colour = _MARKS.get(result.status, _OTHER)
        typer.secho(f"{mark} ", fg=colour, nl=False)
        typer.echo(result.message)
        if result.status == "fail" and result.why:
            typer.echo(f"    why: {result.why}")
        if result.fix:
            typer.echo(f"    fix: {result.fix}")
