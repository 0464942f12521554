"""What may come next on the command line, for the shells. Names come from disk; typer is imported for options only."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise

from kgents.api.errors import KgentsError
from kgents.cli.commands import COMMANDS, Command

_FORMATS = ("table", "wide", "json", "yaml", "name")
_WITH_TYPES = (["--type"], ["signal", "emit"])
_SHELLS = ("bash", "zsh", "fish")


def complete(words: Sequence[str]) -> int:
    """Prints one candidate a line for the last of `words`. Says nothing when it knows nothing."""
    before, started = (list(words[:-1]), words[-1]) if words else ([], "")
    found = [one for one in _candidates(before, started) if one.startswith(started)]
    sys.stdout.writelines(f"{one}\n" for one in dict.fromkeys(found))
    return 0


def _candidates(before: list[str], started: str) -> list[str]:
    if "--" in before:
        return []
    command = COMMANDS.get(before[0]) if before else None
    if command is None:
        return [] if before else [name for name, one in COMMANDS.items() if not one.hidden]
    if before[-1] in ("-o", "--output"):
        return list(_FORMATS)
    if before[-1:] in _WITH_TYPES or before[-2:] in _WITH_TYPES:
        from typing import get_args

        from kgents.api.resources import PheromoneType

        return list(get_args(PheromoneType))
    if started.startswith("-") or command.group:
        return _of_parser(command, before[1:], started)
    if command.name == "completion":
        return list(_SHELLS)
    if command.name == "invoke":
        from kgents.api.paths import REGISTRY

        return [entry.pattern for entry in REGISTRY]
    return _agents(before) if command.agent else []


def _agents(before: list[str]) -> list[str]:
    """The agents of the namespace, from the ghost."""
    from kgents.glass import context
    from kgents.glass.ghost import ghost_of

    try:
        target = context.resolve_for_ghost(_value(before, "--context"), _value(before, "-n", "--namespace"))
    except KgentsError:
        return []
    return [name for namespace, name in ghost_of(target.key).agent_names() if namespace == target.namespace]


def _value(words: list[str], *names: str) -> str | None:
    for name, value in pairwise(words):
        if name in names:
            return value
    return None


def _of_parser(command: Command, words: list[str], started: str) -> list[str]:
    from kgents.cli.root import load

    loaded = load(command)
    inner = getattr(loaded, "commands", None)
    if inner:
        chosen = inner.get(words[0]) if words else None
        if chosen is None:
            return list(inner)
        loaded = chosen
    if not started.startswith("-"):
        return []
    return [name for parameter in loaded.params for name in parameter.opts if name.startswith("-")]
