"""Signals to draw: invented ones, and an ink to draw them with."""

from __future__ import annotations

from kgents.api import pheromone
from kgents.looks import DARK, LIGHT
from kgents.terrarium.heat.picture import Picture
from kgents.terrarium.heat.scent import Key, Scent
from kgents.terrarium.ink import Ink, rgb


def scent(name: str, type: str = "WARNING", source: str = "b-gent", intensity: float = 0.9, **more: object) -> Scent:
    """A signal of the namespace `default`, a minute old unless `more` says otherwise."""
    given = {"age": 60.0, "half_life": pheromone.default_half_life(type), "initial": min(1.0, intensity * 1.2), **more}
    return Scent(("default", name), type, source, intensity, **given)  # type: ignore[arg-type]


def mock() -> list[Scent]:
    """Five signals of four agents."""
    return [
        scent("a", "WARNING", "b-gent", 0.95, payload="14 errors in 60 s", caused_by=("a log line",), target="m-gent"),
        scent("b", "DREAM", "dreamer", 0.62),
        scent("c", "SCARCITY", "l-gent", 0.55),
        scent("d", "CAPABILITY", "l-gent", 0.28),
        scent("e", "INTENT", "indexer", 0.35),
    ]


AGENTS: list[Key] = [("default", name) for name in ("b-gent", "l-gent", "indexer", "m-gent", "dreamer")]


def ink(*, dark: bool = True, colours: bool = True) -> Ink:
    return Ink({tone: rgb(value) for tone, value in (DARK if dark else LIGHT).items()}, dark, colours)


def text_of(picture: Picture) -> list[str]:
    """Its lines, without colours."""
    return ["".join(cell[0] for cell in row) for row in picture.cells]
