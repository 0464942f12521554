"""The envelope: what an umwelt's `autonomy` lets an agent change of itself without anybody looking.

What is not named is outside. An envelope never covers a deletion, another agent, or any field but the four it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from kgents.api import quantity
from kgents.api.governance.changes import ABSENT, Change, path_text

MERGES_PER_HOUR = 12
"""So many changes inside the envelope merge by themselves within an hour; further ones are scored as all others are."""


def outside(autonomy: Mapping[str, Any] | None, changes: Iterable[Change]) -> list[str]:
    """A sentence for each change that the envelope does not cover; none: all of it may be merged."""
    if not autonomy:
        return ["no envelope: the umwelt has no autonomy"]
    return [reason for change in changes if (reason := _refusal(autonomy, change))]


def _refusal(autonomy: Mapping[str, Any], change: Change) -> str:
    """Why this change is outside, or nothing."""
    where, fields = path_text(change.path), change.fields
    if fields[:2] == ("spec", "replicas"):
        return _replicas(autonomy.get("replicas"), change.after)
    if fields[:2] == ("spec", "image"):
        return _image(autonomy.get("images"), change.after)
    if fields[:2] == ("spec", "config"):
        return _config(autonomy.get("configKeys"), change)
    if fields[:2] == ("spec", "resources"):
        return _resources((autonomy.get("resources") or {}).get("max"), change)
    return f"{where} is not a part of any envelope"


def _replicas(bounds: Mapping[str, Any] | None, wanted: Any) -> str:
    if not bounds or "max" not in bounds:
        return "spec.replicas: the envelope sets no maximum"
    # Without a minimum an agent may not make itself vanish.
    least, most = bounds.get("min", 1), bounds["max"]
    if isinstance(wanted, int) and not isinstance(wanted, bool) and least <= wanted <= most:
        return ""
    return f"spec.replicas: {'absent' if wanted is ABSENT else wanted} is outside {least} to {most}"


def _image(patterns: list[str] | None, wanted: Any) -> str:
    if isinstance(wanted, str) and any(fnmatchcase(wanted, _literal(pattern)) for pattern in patterns or ()):
        return ""
    return f"spec.image: {str(wanted)[:120]} matches none of the envelope's images"


def _literal(pattern: str) -> str:
    """Only `*` is special in an envelope's patterns."""
    return pattern.replace("[", "[[]").replace("?", "[?]")


def _config(keys: list[str] | None, change: Change) -> str:
    values = (value for value in (change.before, change.after) if isinstance(value, Mapping))
    named = change.fields[2:3] or sorted({key for value in values for key in value})
    for key in named or ("",):
        if key not in (keys or ()):
            return f"spec.config: {key or 'the whole of it'} is none of the envelope's configKeys"
    return ""


def _resources(ceilings: Mapping[str, Any] | None, change: Change) -> str:
    if change.after is ABSENT:
        return f"{path_text(change.path)}: without a bound"
    for where, name, wanted in _quantities(change.path, change.after):
        asked, most = quantity.parse_or(wanted, None), quantity.parse_or((ceilings or {}).get(name), None)
        if most is None:
            return f"{where}: the envelope sets no maximum for {name or 'it'}"
        if asked is None or asked > most:
            return f"{where}: {wanted} is more than {(ceilings or {})[name]}"
    return ""


def _quantities(path: tuple[Any, ...], value: Any) -> Iterable[tuple[str, str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _quantities((*path, key), item)
        return
    # spec.resources.limits.cpu: the fourth step names the resource.
    yield path_text(path), str(path[3]) if len(path) == 4 else "", value
