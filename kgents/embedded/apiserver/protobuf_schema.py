"""Which field of a protobuf message is which field of an object: the struct tags of k8s.io/api, for every kind served.

`protobuf_messages.txt` has a line for each message: `Message: number name type, …`. Types: s text, b bytes, i integer,
B boolean, T time, M time with fraction, Q quantity, IS integer or text, R JSON, L a list of texts, or a message's name;
[x] a list, {x} a map from text. A star keeps a zero or empty value, which Kubernetes' JSON shows as well. A field
called `.` is one that JSON spreads into the object around it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

Field = tuple[str, str, str, bool]
SHAPES = {"[": "list", "{": "map"}


@cache
def message(name: str) -> dict[int, Field]:
    """A message's fields by number: name, type, shape ("", "list" or "map") and whether zeros are kept."""
    return dict(_field(text) for text in _lines()[name].split(", "))


def name_of(api_version: str, kind: str) -> str | None:
    """The message of a kind, None if there is none. A line may be for one version only: `autoscaling/v1/Kind`."""
    return next((name for name in (f"{api_version}/{kind}", kind) if name in _lines()), None)


@cache
def _lines() -> dict[str, str]:
    text = Path(__file__).with_name("protobuf_messages.txt").read_text("ascii")
    return dict(line.split(": ", 1) for line in text.splitlines())


def _field(text: str) -> tuple[int, Field]:
    number, name, kind = text.split(" ")
    return int(number), (name, kind.strip("[]{}*"), SHAPES.get(kind[0], ""), kind.endswith("*"))
