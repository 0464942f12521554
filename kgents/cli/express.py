"""The express lane: `kgents status -o json`, asked by scripts and prompts many times a minute.

When a Cortex answers, none of the machinery below the command line is needed, and importing it would take three
times as long as the answer. Whatever else was asked, or came back, takes the ordinary way.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

refused = ""
"""Why Cortex could not answer here, so that the ordinary way does not wait for it again."""
_VALUES = {"-n": "namespace", "--namespace": "namespace", "--context": "context", "-o": "output", "--output": "output"}
_PATH = "world.cluster.agents.manifest"


def express(words: Sequence[str]) -> int | None:
    """The exit code, or None when this is no case for it. Raises KgentsError as the ordinary way does."""
    options = _understood(words)
    if options is None:
        return None
    from kgents.glass import context
    from kgents.glass.answer import Answer, NextLayer, Source
    from kgents.glass.cortex import Cortex

    target = context.resolve(options.get("context"), options.get("namespace"))
    try:
        head, items = Cortex(target.key).read(_PATH, {}, "" if "everywhere" in options else target.namespace)
    except NextLayer as error:
        global refused
        refused = str(error)
        return None
    from kgents.cli.shape import as_json

    sys.stdout.write(as_json(Answer(_PATH, Source("cortex", head.age), items, True, head.total)))
    return 0


def _understood(words: Sequence[str]) -> dict[str, str] | None:
    """The options of `status … -o json`, if that is all it is."""
    if not words or words[0] != "status":
        return None
    options: dict[str, str] = {}
    rest = iter(words[1:])
    for word in rest:
        if word in ("-A", "--all-namespaces"):
            options["everywhere"] = "yes"
        elif word in _VALUES:
            value = next(rest, "")
            if not value or value.startswith("-"):
                return None
            options[_VALUES[word]] = value
        elif word == "-ojson":
            options["output"] = "json"
        else:
            return None
    return options if options.get("output") == "json" else None
