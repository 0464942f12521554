"""What differs between two states of an object: for people to read, for rules to score, and for the way back.

The two states are what the API server holds and what its own dry run says it would hold. List elements are told apart
by the key that Kubernetes merges them by, so that a variable put before the others is one change and not ten.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from kgents.api import redact

PROPOSAL_ANNOTATION = "kgents.io/proposal"
"""On what a proposal changed: `namespace/name/uid` of the last one."""
VALUE_MAX = 400
"""Characters of one value that are shown."""

_SERVER_OWNED = frozenset(
    ("creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields")
) | {"resourceVersion", "selfLink", "uid"}
_SILENT_ANNOTATIONS = frozenset((PROPOSAL_ANNOTATION, redact.LAST_APPLIED))
# In this order, as Kubernetes' patchMergeKey of containers, env, volumes, ports, mounts, owners and conditions.
_LIST_KEYS = ("name", "containerPort", "mountPath", "devicePath", "uid", "type")


class Absent:
    """The value of what is not there; null is a value."""

    def __repr__(self) -> str:
        return "absent"

    def __deepcopy__(self, memo: object) -> Absent:
        return self


ABSENT: Final = Absent()


class Element(NamedTuple):
    """A step into a list: to the element whose `key` is `value`."""

    key: str
    value: Any


Step = str | int | Element
"""A field's name, a place in a list without keys, or an element."""
Path = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs. `before` or `after` is ABSENT where there was or will be none."""

    path: Path
    before: Any
    after: Any

    @property
    def fields(self) -> tuple[str, ...]:
        """The path by its fields alone, as rules name it: `spec.env[name=A].value` is (spec, env, value)."""
        return tuple(step for step in self.path if isinstance(step, str))


def between(before: Any, after: Any) -> list[Change]:
    """All that differs, in the order of the paths. A whole object that comes or goes is one change with an empty path.

    What the server alone writes (status, versions, managedFields) and kgents' own note of the merge are left out.
    """
    if before is ABSENT or after is ABSENT:
        return [] if before is after else [Change((), _owned(before), _owned(after))]
    return list(_walk((), _owned(before), _owned(after)))


def digest(changes: Iterable[Change]) -> str:
    """What an approval names: `sha256:` and the digest over every change, hidden values included."""
    facts = [[path_text(one.path), _fact(one.before), _fact(one.after)] for one in changes]
    return "sha256:" + hashlib.sha256(_canonical(facts)).hexdigest()


def overlap(one: Iterable[Path], other: Iterable[Path]) -> bool:
    """Whether a path of one is the same as, above or below a path of the other."""
    others = list(other)
    return any(a[: len(b)] == b[: len(a)] for a in one for b in others)


def path_text(path: Path) -> str:
    """`spec.env[name=PORT].value`."""
    text = ""
    for step in path:
        if isinstance(step, Element):
            text += f"[{step.key}={step.value}]"
        elif isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text and _plain(step) else (step if _plain(step) else f"[{json.dumps(step)}]")
    return text or "the whole object"


def render(changes: Iterable[Change]) -> Iterator[str]:
    """A line for each, secrets hidden: `~ spec.replicas: 2 → 3`, `+ spec.env[name=A]: …`, `- spec.suspend: true`."""
    for one in changes:
        label = path_text(one.path)
        if one.before is ABSENT:
            yield f"+ {label}: {_shown(one.path, one.after)}"
        elif one.after is ABSENT:
            yield f"- {label}: {_shown(one.path, one.before)}"
        else:
            yield f"~ {label}: {_shown(one.path, one.before)} → {_shown(one.path, one.after)}"


def reverse(current: Any, changes: Iterable[Change]) -> tuple[Any, list[Change]]:
    """`current` with the changes taken back, and those that could not be: somebody has changed these values since."""
    restored, moved = copy.deepcopy(current), []
    for one in changes:
        if not one.path or not _same(at(restored, one.path), one.after):
            moved.append(one)
        elif one.before is ABSENT:
            _remove(restored, one.path)
        else:
            _put(restored, one.path, copy.deepcopy(one.before))
    return restored, moved


def at(obj: Any, path: Path) -> Any:
    """The value at a path, or ABSENT."""
    for step in path:
        obj = _into(obj, step)
        if obj is ABSENT:
            return ABSENT
    return obj


def to_json(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """As they are kept in a proposal's `status.before`: the way back survives the one who would take it."""
    return [
        {"path": [_step_json(step) for step in one.path]}
        | ({} if one.before is ABSENT else {"before": one.before})
        | ({} if one.after is ABSENT else {"after": one.after})
        for one in changes
    ]


def from_json(kept: Iterable[Mapping[str, Any]]) -> list[Change]:
    """The changes that `to_json` wrote."""
    return [
        Change(
            tuple(_step(step) for step in one["path"]),
            copy.deepcopy(one.get("before", ABSENT)),
            copy.deepcopy(one.get("after", ABSENT)),
        )
        for one in kept
    ]


def silent_annotations(obj: Any) -> dict[str, Any]:
    """Those that no diff shows: kgents' note of the last merge, and kubectl's of the last apply."""
    annotations = obj["metadata"].get("annotations") if isinstance(obj, Mapping) else None
    return {key: value for key, value in (annotations or {}).items() if key in _SILENT_ANNOTATIONS}


def _owned(obj: Any) -> Any:
    if not isinstance(obj, Mapping) or not isinstance(obj.get("metadata"), Mapping):
        return obj
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _SERVER_OWNED}
    annotations = metadata.pop("annotations", None)
    if isinstance(annotations, Mapping):
        kept = {key: value for key, value in annotations.items() if key not in _SILENT_ANNOTATIONS}
        metadata |= {"annotations": kept} if kept else {}
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": metadata}


def _walk(path: Path, before: Any, after: Any) -> Iterator[Change]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        steps: Iterable[Step] = sorted(before.keys() | after.keys())
    elif isinstance(before, list) and isinstance(after, list) and (key := _key_of(before, after)):
        steps = dict.fromkeys(Element(key, item[key]) for item in (*before, *after))
    else:
        if not _same(before, after):
            yield Change(path, before, after)
        return
    for step in steps:
        yield from _walk((*path, step), _into(before, step), _into(after, step))


def _key_of(*lists: list[Any]) -> str:
    """The key that tells the elements of these lists apart, or none."""
    if not all(isinstance(item, Mapping) for items in lists for item in items):
        return ""
    for key in _LIST_KEYS:
        if all(_tells_apart(items, key) for items in lists):
            return key
    return ""


def _tells_apart(items: list[Any], key: str) -> bool:
    values = [item.get(key) for item in items]
    return all(isinstance(value, (str, int)) for value in values) and len(set(values)) == len(values)


def _into(obj: Any, step: Step) -> Any:
    if isinstance(step, str):
        return obj.get(step, ABSENT) if isinstance(obj, Mapping) else ABSENT
    if not isinstance(obj, list):
        return ABSENT
    if isinstance(step, Element):
        wanted = (item for item in obj if isinstance(item, Mapping) and _same(item.get(step.key), step.value))
        return next(wanted, ABSENT)
    return obj[step] if step < len(obj) else ABSENT


def _put(obj: Any, path: Path, value: Any) -> None:
    for here, step in enumerate(path[:-1]):
        inner = _into(obj, step)
        if inner is ABSENT:
            inner = [] if not isinstance(path[here + 1], str) else {}
            _set(obj, step, inner)
        obj = inner
    _set(obj, path[-1], value)


def _set(obj: Any, step: Step, value: Any) -> None:
    if not isinstance(step, Element):
        obj[step] = value
        return
    place = next((n for n, item in enumerate(obj) if _same(item.get(step.key), step.value)), None)
    if place is None:
        obj.append(value)
    else:
        obj[place] = value


def _remove(obj: Any, path: Path) -> None:
    parent, step = at(obj, path[:-1]), path[-1]
    if isinstance(step, Element):
        parent[:] = [item for item in parent if not _same(item.get(step.key), step.value)]
    else:
        del parent[step]


def _same(one: Any, other: Any) -> bool:
    """Equality as JSON has it: 1 and true are two things, however deep."""
    if one is ABSENT or other is ABSENT:
        return one is other
    return _canonical(one) == _canonical(other)


def _fact(value: Any) -> Any:
    return [] if value is ABSENT else [value]


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _shown(path: Path, value: Any) -> str:
    if isinstance(value, (str, bytes)) and _is_hidden(path):
        return redact.REDACTED
    shown = redact.redact(value)
    text = json.dumps(shown, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= VALUE_MAX else f"{text[:VALUE_MAX]}… ({len(text)} characters)"


def _is_hidden(path: Path) -> bool:
    """A value under a telling key, or the value of a variable with a telling name."""
    if path and isinstance(path[-1], str) and redact.is_secret_key(path[-1]):
        return True
    names = [step.value for step in path if isinstance(step, Element) and step.key == "name"]
    return bool(path) and path[-1] == "value" and bool(names) and redact.is_secret_key(str(names[-1]))


def _plain(step: str) -> bool:
    return step.replace("_", "").replace("-", "").isalnum()


def _step_json(step: Step) -> Any:
    return {"key": step.key, "value": step.value} if isinstance(step, Element) else step


def _step(step: Any) -> Step:
    return Element(step["key"], step["value"]) if isinstance(step, Mapping) else step
