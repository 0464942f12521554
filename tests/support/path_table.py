"""docs/paths.md, made from the path registry: `python -m tests.support.path_table`."""

from __future__ import annotations

from pathlib import Path

from kgents.api import paths
from kgents.api.entries import Entry

PAGE = Path(__file__).parents[2] / "docs" / "paths.md"
HEAD = """# Paths

Every operation has a path, `context.entity[.name].aspect`. The command line, Cortex and the layers behind it read one
table, `kgents/api/paths.py`; this page is made from it (`python -m tests.support.path_table`). `kgents paths` prints
it, `kgents invoke PATH key=value …` invokes any.

| path | command | reads or writes | arguments | without Cortex |
|---|---|---|---|---|
"""


def page() -> str:
    return HEAD + "".join(f"{_row(entry)}\n" for entry in paths.REGISTRY)


def _row(entry: Entry) -> str:
    arguments = ", ".join(f"`{one.name}`" + ("" if one.required else "?") for one in entry.arguments) or "–"
    layers = [name for name, there in (("ghost", entry.ghost), ("kubectl", entry.kubectl)) if there]
    command = f"`{entry.command}`" if entry.command else "–"
    kind = "writes" if entry.write else "reads"
    return f"| `{entry.pattern}` | {command} | {kind} | {arguments} | {', '.join(layers) or '–'} |"


if __name__ == "__main__":
    PAGE.write_text(page())
