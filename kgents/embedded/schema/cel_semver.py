"""Semantic versions (semver.org 2.0.0) in CEL: maps that carry their parts."""

from __future__ import annotations

from typing import Any

import re2

from kgents.embedded.schema.cel_rows import Row, holds

MAX_LENGTH = 1_024
_NUMBER = r"(0|[1-9][0-9]{0,18})"
_VERSION = re2.compile(
    rf"^{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$"
)
Order = tuple[int, int, int, bool, list[tuple[bool, int, str]]]


def _parse(text: str, *, lenient: bool = False) -> dict[str, Any]:
    if len(text) > MAX_LENGTH:
        raise ValueError("Version string too long")
    match = _VERSION.match(_normalised(text) if lenient else text)
    if match is None:
        wanted = "Version string empty" if not text else "No Major.Minor.Patch elements found"
        raise ValueError(wanted)
    major, minor, patch = (int(match.group(at)) for at in (1, 2, 3))
    before = match.group(4) or ""
    if any(len(part) > 1 and part.isdigit() and part[0] == "0" for part in before.split(".")):
        raise ValueError(f"Numeric PreRelease version must not contain leading zeroes {before!r}")
    return {"semver": [major, minor, patch], "pre": before}


def _normalised(text: str) -> str:
    parts = text.removeprefix("v").split(".", 2)
    parts = [_without_zeros(part) for part in parts]
    if len(parts) < 3 and ("+" in parts[-1] or "-" in parts[-1]):
        raise ValueError("short version cannot contain PreRelease/Build meta data")
    return ".".join(parts + ["0"] * (3 - len(parts)))


def _without_zeros(part: str) -> str:
    if len(part) < 2:
        return part
    bare = part.lstrip("0")
    return bare if bare[:1].isdigit() else f"0{bare}"


def _is_version(text: str, lenient: bool = False) -> bool:
    return holds(lambda one: _parse(one, lenient=lenient))(text)


def is_semver(value: Any) -> bool:
    """Whether a value is a version made by `semver()`."""
    return isinstance(value, dict) and "semver" in value


def _order(value: Any) -> Order:
    if not is_semver(value):
        raise ValueError("no such overload")
    major, minor, patch = value["semver"]
    parts = [(not one.isdigit(), int(one) if one.isdigit() else 0, one) for one in value["pre"].split(".") if one]
    return (major, minor, patch, not parts, parts)


def compare(one: Any, other: Any) -> int:
    """-1, 0 or 1, by the precedence of the specification."""
    left, right = _order(one), _order(other)
    return (left > right) - (left < right)


def _part(at: int) -> Any:
    return lambda value: _order(value)[at]


ROWS: tuple[Row, ...] = (
    ("semver", False, "map", ("string",), _parse),
    ("semver", False, "map", ("string", "bool"), lambda text, lenient: _parse(text, lenient=lenient)),
    ("isSemver", False, "bool", ("string",), _is_version),
    ("isSemver", False, "bool", ("string", "bool"), _is_version),
    ("major", True, "int", ("map",), _part(0)),
    ("minor", True, "int", ("map",), _part(1)),
    ("patch", True, "int", ("map",), _part(2)),
)
