"""What docs/terrarium.md takes from the program: `python docs/images/gallery.py` copies the pictures it shows from the
accepted snapshots, and writes its table of keys from the bindings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from font import with_local_font
from textual.binding import Binding

from kgents.terrarium.app import TerrariumApp
from kgents.terrarium.screens.agent import AgentScreen
from kgents.terrarium.screens.base import HiveScreen
from kgents.terrarium.screens.main import MainScreen
from kgents.terrarium.screens.proposal import ProposalScreen
from kgents.terrarium.screens.signal import SignalScreen
from kgents.terrarium.screens.text import TextScreen
from kgents.terrarium.widgets.heatmap import Heatmap
from kgents.terrarium.widgets.keys import sign
from kgents.terrarium.widgets.log_lines import LogLines
from kgents.terrarium.widgets.rows import Rows
from kgents.terrarium.widgets.thoughts import Thoughts

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/terrarium.md"
PICTURES = ROOT / "docs/images/terrarium"
SNAPSHOTS = ROOT / "tests/unit/terrarium/__snapshots__/test_snapshots"
PLACES: tuple[tuple[str, type[Any]], ...] = (
    ("everywhere", TerrariumApp),
    ("what is chosen", HiveScreen),
    ("the main screen", MainScreen),
    ("lists", Rows),
    ("the heatmap", Heatmap),
    ("the thought stream", Thoughts),
    ("an agent", AgentScreen),
    ("a proposal", ProposalScreen),
    ("a signal", SignalScreen),
    ("why, YAML", TextScreen),
    ("logs", LogLines),
)
BEGIN, END = "<!-- keys: python docs/images/gallery.py -->\n", "<!-- /keys -->\n"


def shown() -> list[str]:
    """The names of the pictures in the page, in order."""
    return re.findall(r"\(images/terrarium/([\w-]+)\.svg\)", PAGE.read_text())


def picture(name: str) -> str:
    """The accepted snapshot of that name, as the page shows it."""
    return with_local_font((SNAPSHOTS / f"test_it_looks_as_accepted[{name}].svg").read_text())


def keys() -> str:
    """The table of keys."""
    rows = [f"| {place} | {' · '.join(_keys(owner))} |" for place, owner in PLACES]
    return "\n".join(["| where | keys |", "|---|---|", *rows, ""])


def _keys(owner: type[Any]) -> Iterator[str]:
    """Its own keys with their words; keys that do the same stand together."""
    found: dict[tuple[str, str], list[str]] = {}
    for binding in Binding.make_bindings(owner.__dict__["BINDINGS"]):
        if binding.description:
            found.setdefault((binding.action, binding.description), []).append(binding.key_display or sign(binding.key))
    for (_, words), signs in found.items():
        yield f"{' '.join(f'`{one}`' for one in signs)} {words}"


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    for old in PICTURES.glob("*.svg"):
        old.unlink()
    for name in shown():
        (PICTURES / f"{name}.svg").write_text(picture(name))
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{keys()}{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
