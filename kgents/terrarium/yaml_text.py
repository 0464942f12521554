"""YAML as it is shown: an object as text, and a line of it in quiet colours. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rich.segment import Segment

from kgents.terrarium.draw import Line
from kgents.terrarium.ink import Ink

_LINE = re.compile(r"(?P<indent>[ ]*(?:- )*)(?P<key>(?:\"[^\"]*\"|'[^']*'|[^\s#:\"'][^:#]*):(?=\s|$))?(?P<value>.*)")
_PLAIN = re.compile(r"\s*(?:[-+]?[\d.]+(?:e[-+]?\d+)?|true|false|null|\{\}|\[\])\s*", re.IGNORECASE)


def dump(value: Mapping[str, Any]) -> str:
    """In the order of the object; texts of several lines stay readable."""
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    def text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)

    Dumper.add_representer(str, text)
    dumped: str = yaml.dump(dict(value), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return dumped


def coloured(line: str, ink: Ink) -> Line:
    """Keys stand out a little; comments are quiet; words that are no texts have a tone of their own."""
    if line.lstrip().startswith("#"):
        return [Segment(line, ink.style("quiet"))]
    match = _LINE.fullmatch(line)
    if match is None:
        return [Segment(line, ink.style("text"))]
    value = match["value"] or ""
    tone = ink.style("deed") if _PLAIN.fullmatch(value) else ink.style("text")
    parts = [
        Segment(match["indent"], ink.style("quiet")),
        Segment(match["key"] or "", ink.style("activity")),
        Segment(value, tone),
    ]
    return [part for part in parts if part.text]
