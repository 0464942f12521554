"""The root of all commands: a group that knows names and help texts, and loads a command when it is called."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Sequence
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from kgents.cli.commands import COMMANDS, Command

_EPILOG = (
    "Exit codes: 0 done · 1 failed · 2 usage · 3 not found · 4 refused · 5 no layer could answer · 130 interrupted. "
    "Everywhere: --debug, --no-color, --cortex HOST:PORT (a Cortex in a cluster), --cortex-ca FILE."
)


class UsageTrouble(Exception):
    """The call cannot be understood; its text is one line."""


class LazyGroup(TyperGroup):
    """Lists all commands without importing any."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [name for name, command in COMMANDS.items() if not command.hidden]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        command = COMMANDS.get(cmd_name)
        return load(command) if command else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        rows = [(command.name, command.help) for command in COMMANDS.values() if not command.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in COMMANDS:
            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f"Did you mean {near[0]}?" if near else "See kgents --help"
            raise UsageTrouble(f"There is no command “{args[0][:60]}”. {hint}")
        return super().resolve_command(ctx, args)


def load(command: Command) -> TyperCommand | TyperGroup:
    """The command itself; imports its module."""
    module = importlib.import_module(f"kgents.cli.{command.module}")
    if command.group:
        group = get_group(module.app)
        group.rich_markup_mode = None
        group.help = group.help or command.help
        for inner in group.commands.values():
            cast(TyperCommand, inner).rich_markup_mode = None
        return group
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(command.name, help=None, context_settings=_SETTINGS)(getattr(module, command.name))
    return cast(TyperCommand, get_command(app))


_USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[2]  # the root of them, which typer does not export
_SETTINGS = {"help_option_names": ["-h", "--help"]}


def invoke(words: Sequence[str]) -> int:
    """Runs one command line. Raises UsageTrouble for one that cannot be understood, KgentsError when it fails."""
    words = ["version", *words[1:]] if words[:1] == ["--version"] else words
    group = LazyGroup(
        name="kgents",
        help="A body for your LLM agents. `kgents infra init` makes a hive on this machine; `kgents run` an agent.",
        epilog=_EPILOG,
        rich_markup_mode=None,
        context_settings=_SETTINGS,
    )
    try:
        code = group.main(list(words) or ["--help"], prog_name="kgents", standalone_mode=False)
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    except typer.Exit as error:
        return error.exit_code
    except _USAGE_ERROR as error:
        raise UsageTrouble(_sentence(error)) from error
    return code if isinstance(code, int) else 0


def _sentence(error: Any) -> str:
    message = " ".join(str(error.format_message()).split()).rstrip(".")
    context = getattr(error, "ctx", None)
    where = context.command_path if context is not None else "kgents"
    return f"{message}. See {where} --help"
