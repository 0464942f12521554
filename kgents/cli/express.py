"""The express lane: `kgents status -o json`, asked by scripts and prompts many times a minute.

When Cortex answers, or only the disk is to be asked, none of the machinery of the ordinary way is needed, and
importing it would take three times as long as the answer. Whatever else was asked, or came back, goes that way.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kgents.glass.answer import Answer

refused = ""
"""Why Cortex could not answer here, so that the ordinary way does not wait for it again."""
_VALUES = {"-n": "namespace", "--namespace": "namespace", "--context": "context", "-o": "output", "--output": "output"}
_PATH = "world.cluster.agents.manifest"


def express(words: Sequence[str]) -> int | None:
    """The exit code, or None when this is no case for it. Raises KgentsError as the ordinary way does."""
    options = _understood(words)
    if options is None or (os.environ.get("KGENTS_CORTEX") and "ghost" not in options):
        return None
    from kgents.glass import context

    asked = options.get("context"), options.get("namespace")
    if "ghost" in options:
        target = context.resolve_for_ghost(*asked)
        return _from_ghost(target.key, "" if "everywhere" in options else target.namespace)
    target = context.resolve(*asked)
    return _from_cortex(target.key, "" if "everywhere" in options else target.namespace)


def _from_cortex(key: str, namespace: str) -> int | None:
    from kgents.glass.answer import Answer, NextLayer, Source
    from kgents.glass.cortex import Cortex

    try:
        head, items = Cortex(key).read(_PATH, {}, namespace)
    except NextLayer as error:
        global refused
        refused = str(error)
        return None
    _print(Answer(_PATH, Source("cortex", head.age), items, True, head.total, frozen=head.frozen))
    return 0


def _from_ghost(key: str, namespace: str) -> int | None:
    import time

    from kgents.glass.answer import Answer, Source, dump
    from kgents.glass.ghost import AGENTS, ghost_of

    ghost, now = ghost_of(key, lambda line: print(line, file=sys.stderr)), time.time()
    found = ghost.read(AGENTS, now, namespace)
    if found is None:
        return None
    source = Source("ghost", found.age, found.staleness)
    from kgents.cli.dating import dated

    sys.stderr.write(f"{dated(source)}\n")
    _print(Answer(_PATH, source, [dump(row) for row in found.items], True, found.total, frozen=ghost.frozen(now)))
    return 0


def _print(answer: Answer) -> None:
    from kgents.cli.shape import as_json

    sys.stdout.write(as_json(answer))


def _understood(words: Sequence[str]) -> dict[str, str] | None:
    """The options of `status … -o json`, if that is all it is."""
    if not words or words[0] != "status":
        return None
    options: dict[str, str] = {}
    rest = iter(words[1:])
    for word in rest:
        if word in ("-A", "--all-namespaces"):
            options["everywhere"] = "yes"
        elif word == "--ghost":
            options["ghost"] = "yes"
        elif word == "--require-live":
            options["live"] = "yes"
        elif word in _VALUES:
            value = next(rest, "")
            if not value or value.startswith("-"):
                return None
            options[_VALUES[word]] = value
        elif word == "-ojson":
            options["output"] = "json"
        else:
            return None
    if "live" in options and "ghost" in options:
        return None
    return options if options.get("output") == "json" else None
