"""What Terrarium keeps between two runs, in $KGENTS_HOME/terrarium.json: how somebody likes it, never what he saw."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from kgents import files
from kgents.infra.home import home, private_dir
from kgents.terrarium.themes import DARK_NAME

log = logging.getLogger(__name__)
_LONGEST = 200


@dataclass(slots=True)
class Kept:
    """Every value is checked when it is read: a file that somebody has edited must not stop the app."""

    theme: str = DARK_NAME
    heat: str = ""
    """field, grid or time; "" leaves it to the number of agents."""
    zoomed: str = ""
    focused: str = "agents"
    filters: dict[str, str] = field(default_factory=dict)
    """By pane."""
    sorts: dict[str, str] = field(default_factory=dict)
    level: str = "info"


def load() -> Kept:
    """What was kept, as far as it can be read."""
    try:
        said = json.loads((home() / "terrarium.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return Kept()
    return Kept(**{one.name: _checked(said[one.name], one.name) for one in fields(Kept) if _fits(said, one.name)})


def save(kept: Kept) -> None:
    """Written whole or not at all. A home that cannot be written to costs the memory, not the app."""
    path = home() / "terrarium.json"
    try:
        private_dir(path.parent)
        files.write_private(path, json.dumps(asdict(kept), indent=1), durable=False)
    except OSError as error:
        log.warning("%s cannot be written: %s", path, error.strerror)


def _fits(said: Any, name: str) -> bool:
    if not isinstance(said, dict) or name not in said:
        return False
    value = said[name]
    return isinstance(value, dict) if name in ("filters", "sorts") else isinstance(value, str)


def _checked(value: Any, name: str) -> Any:
    if name in ("filters", "sorts"):
        return {str(key): text for key, text in value.items() if isinstance(text, str) and len(text) <= _LONGEST}
    return value[:_LONGEST]
