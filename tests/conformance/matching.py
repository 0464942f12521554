"""Holds an expectation of the corpus against what a server really answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

ABSENT = object()
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
PLACEHOLDERS = {
    "uid": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "rv": r"\d+",
    "time": TIME + r"(Z|[+-]\d\d:\d\d)",
    "microtime": TIME + r"\.\d{6}(Z|[+-]\d\d:\d\d)",
    "continue": r"\S+",
    "age": r"(\d+[smhdy]\d*[smhd]?|<unknown>)",
    "ip": r"\d+\.\d+\.\d+\.\d+",
    "jwt": r"[\w-]+\.[\w-]+\.[\w-]+",
    "port": r"\d+",
    "hash": r"[0-9a-f]+",
    "random": r"[a-z0-9]{5,}",
}
UNORDERED = ("causes", "verbs", "managedFields", "Warning")


def tokens(pointer: str) -> list[str]:
    """A pointer's parts; `/` within brackets or braces does not part."""
    return [part.replace("~1", "/").replace("~0", "~") for part in re.findall(r"/((?:\[[^\]]*\]|[^/])+)", pointer)]


def dig(value: Any, pointer: str) -> Any:
    """What stands at a plain pointer, or ABSENT."""
    for part in tokens(pointer):
        if isinstance(value, dict):
            value = value.get(part, ABSENT)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return ABSENT
    return value


def _names(token: str, key: str) -> bool:
    if token.startswith("{"):
        return key in token[1:-1].split(",")
    return token in ("*", key)


def _picks(token: str, index: int, element: Any) -> bool:
    if not token.startswith("["):
        return token in ("*", str(index))
    pointer, _, wanted = token[1:-1].partition("=")
    return str(dig(element, "/" + pointer.replace(".", "/"))) in wanted.split("|")


def project(value: Any, paths: list[list[str]]) -> Any:
    """Only what the paths reach, in the shape that it had; ABSENT if that is nothing."""
    if any(not path for path in paths):
        return value
    if isinstance(value, dict):
        parts = {
            key: project(child, [path[1:] for path in paths if _names(path[0], key)]) for key, child in value.items()
        }
        reached = {key for key in value if any(_names(path[0], key) for path in paths)}
        return {key: part for key, part in parts.items() if key in reached and part is not ABSENT}
    if isinstance(value, list):
        kept = []
        for index, child in enumerate(value):
            below = [path[1:] for path in paths if _picks(path[0], index, child)]
            part = project(child, below) if below else ABSENT
            if part is not ABSENT:
                kept.append(part)
        return kept
    return ABSENT


def clean(value: Any, ignore: frozenset[str]) -> Any:
    """Without ignored keys, and without what no expectation speaks of: empty continues, null creation times."""
    if isinstance(value, list):
        return [clean(child, ignore) for child in value]
    if not isinstance(value, dict):
        return value
    return {
        key: clean(child, ignore)
        for key, child in value.items()
        if key not in ignore and (key, child) not in (("continue", ""), ("creationTimestamp", None))
    }


def differences(want: Any, have: Any, *, loose: bool, path: str = "", bag: bool = False) -> Iterator[str]:
    """Each way in which an answer is not what was expected. `loose` allows more keys, `bag` any order of lists."""
    if isinstance(want, dict) and isinstance(have, dict):
        yield from _dicts(want, have, loose=loose, path=path, bag=bag)
    elif isinstance(want, list) and isinstance(have, list):
        yield from _lists(want, have, loose=loose, path=path, bag=bag)
    elif isinstance(want, str) and isinstance(have, str):
        if not pattern(want).fullmatch(have):
            yield f"{path}: want {want!r}, got {have!r}"
    elif type(want) is not type(have) or want != have:
        yield f"{path}: want {want!r}, got {'nothing' if have is ABSENT else repr(have)}"


def _dicts(want: dict[str, Any], have: dict[str, Any], *, loose: bool, path: str, bag: bool) -> Iterator[str]:
    causes = (want.get("details") or {}).get("causes") if want.get("kind") == "Status" else None
    for key, value in want.items():
        if key == "message" and isinstance(causes, list) and len(causes) > 1:
            continue  # the causes are compared one by one, and their order is free
        found = have.get(key, ABSENT)
        if found is ABSENT and "<" in key:
            found = next((child for name, child in have.items() if pattern(key).fullmatch(name)), ABSENT)
        yield from differences(value, found, loose=loose, path=f"{path}.{key}", bag=bag or key in UNORDERED)
    if not loose:
        wanted = {pattern(key) for key in want}
        yield from (f"{path}.{key}: unexpected" for key in have if not any(one.fullmatch(key) for one in wanted))


def _lists(want: list[Any], have: list[Any], *, loose: bool, path: str, bag: bool) -> Iterator[str]:
    if len(want) != len(have):
        yield f"{path}: want {len(want)} elements, got {len(have)}: {str(have)[:300]}"
        return
    if not bag:
        for index, (one, other) in enumerate(zip(want, have, strict=True)):
            yield from differences(one, other, loose=loose, path=f"{path}[{index}]")
        return
    left = list(have)
    for one in want:
        found = next((each for each in left if not any(differences(one, each, loose=loose, bag=bag))), ABSENT)
        if found is ABSENT:
            yield f"{path}: nothing like {str(one)[:300]} in {str(left)[:600]}"
            return
        left.remove(found)


def pattern(want: str) -> re.Pattern[str]:
    """An expected text with its placeholders as a regular expression."""
    text = re.escape(want)
    for name, form in PLACEHOLDERS.items():
        text = text.replace(f"<{name}>", form)
    return re.compile(text, re.DOTALL)
