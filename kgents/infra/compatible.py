"""Whether a newer CRD still takes what is stored under the one that is there: asked before it is applied.

What fits an old schema must fit the new one. A new rule (CEL) is no break: Kubernetes holds an unchanged field to the
rules that it was written under.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Object = Mapping[str, Any]
OPEN = "x-kubernetes-preserve-unknown-fields"
_LOWER = ("minimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "maxLength", "maxItems", "maxProperties")


def breaks(there: Object, wanted: Object) -> list[str]:
    """What of the CRD `there` `wanted` would take away, one line each; empty: nothing."""
    return list(_breaks(there, wanted))


def _breaks(there: Object, wanted: Object) -> Iterator[str]:
    before, after = there["spec"], wanted["spec"]
    if before["scope"] != after["scope"]:
        yield f"it is {before['scope']} and would be {after['scope']}"
    new = {version["name"]: version for version in after["versions"]}
    stored = (there.get("status") or {}).get("storedVersions") or []
    for name in stored:
        if name not in new:
            yield f"objects are stored as {name}, which is removed"
    for version in before["versions"]:
        name = version["name"]
        if not version["served"]:
            continue
        if not new.get(name, {}).get("served"):
            if name not in stored or name in new:
                yield f"{name} is no longer served"
            continue
        yield from _narrower(_schema(version), _schema(new[name]), name)
        for part in version.get("subresources") or {}:
            if part not in (new[name].get("subresources") or {}):
                yield f"{name} has no /{part} any more"


def _schema(version: Object) -> Object:
    schema: Object = (version.get("schema") or {}).get("openAPIV3Schema") or {}
    return schema


def _narrower(old: Object, new: Object, at: str) -> Iterator[str]:
    if old.get("type") != new.get("type") and not new.get("x-kubernetes-int-or-string"):
        yield f"{at} is a {old.get('type', 'value of any type')} and would be a {new.get('type', 'value of any type')}"
        return
    if old.get("nullable") and not new.get("nullable"):
        yield f"{at} may no longer be null"
    yield from _fewer_values(old, new, at)
    yield from _bounds(old, new, at)
    yield from _fields(old, new, at)
    if "items" in old and "items" in new:
        yield from _narrower(old["items"], new["items"], f"{at}[]")
    if isinstance(old.get("additionalProperties"), Mapping) and isinstance(new.get("additionalProperties"), Mapping):
        yield from _narrower(old["additionalProperties"], new["additionalProperties"], f"{at}.*")


def _fewer_values(old: Object, new: Object, at: str) -> Iterator[str]:
    if "enum" in new:
        if "enum" not in old:
            yield f"{at} may only be one of {', '.join(map(str, new['enum'][:5]))}"
        elif gone := [str(value) for value in old["enum"] if value not in new["enum"]]:
            yield f"{at} may no longer be {', '.join(gone)}"
    for key in ("pattern", "format"):
        if key in new and old.get(key) != new[key]:
            yield f"{at} must match another {key}"


def _bounds(old: Object, new: Object, at: str) -> Iterator[str]:
    sides: tuple[tuple[tuple[str, ...], Callable[[Any, Any], bool]], ...] = (
        (_LOWER, lambda was, now: now > was),
        (_UPPER, lambda was, now: now < was),
    )
    for keys, tighter in sides:
        for key in keys:
            if key in new and (key not in old or tighter(old[key], new[key])):
                yield f"{at}: {key} would be {new[key]}" + (f", it is {old[key]}" if key in old else "")


def _fields(old: Object, new: Object, at: str) -> Iterator[str]:
    before, after = old.get("properties") or {}, new.get("properties") or {}
    for field in new.get("required") or ():
        if field not in (old.get("required") or ()) and "default" not in after.get(field, {}):
            yield f"{at}.{field} would be required"
    open_to_all = new.get(OPEN) or new.get("additionalProperties")
    if old.get(OPEN) and not open_to_all:
        yield f"{at} may no longer have fields of any name"
    for field, schema in before.items():
        if field in after:
            yield from _narrower(schema, after[field], f"{at}.{field}")
        elif not open_to_all:
            yield f"{at}.{field} is removed"
