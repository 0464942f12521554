"""Changes as people write them: `config.mode=fast`, and whole patches as JSON or YAML."""

from __future__ import annotations

import json
from typing import Any

from kgents.api import yaml_files
from kgents.api.errors import UsageError

Change = dict[str, Any]


def parts(replicas: int | None, image: str | None, sets: list[str], *, where: str = "--set") -> Change:
    """The partial object that these make up; empty where nothing is given. `where` names `sets` in errors."""
    spec: Change = {}
    if replicas is not None:
        spec["replicas"] = replicas
    if image is not None:
        spec["image"] = image
    change: Change = {"spec": spec} if spec else {}
    for one in sets:
        _put(change, one, where)
    return change


def whole(text: str, where: str) -> Any:
    """A partial object, or a list of operations, from JSON or YAML. Raises UsageError, which names `where`."""
    import yaml

    try:
        documents = yaml_files.documents(text)
    except (yaml.YAMLError, ValueError) as error:
        raise UsageError(f"{where} holds no JSON or YAML", why=" ".join(str(error).split())) from error
    if len(documents) > 1:
        raise UsageError(f"{where} holds {len(documents)} documents", why="a proposal is one change")
    found = documents[0] if documents else None
    if not isinstance(found, (dict, list)):
        raise UsageError(f"{where} holds no change", why="a change is a partial object, or a list of operations")
    return found


def _put(change: Change, text: str, where: str) -> None:
    path, equals, value = text.partition("=")
    steps = path.split(".")
    if not equals or not all(steps):
        raise UsageError(f"{where} “{text[:80]}” is not PATH=VALUE", fix=f"Write it like {where} config.mode=fast")
    if steps[0] not in ("spec", "metadata"):
        steps.insert(0, "spec")
    here = change
    for step in steps[:-1]:
        here = here.setdefault(step, {})
        if not isinstance(here, dict):
            raise UsageError(f"{where} {path} goes into what another {where} gave a value")
    here[steps[-1]] = _scalar(value)


def _scalar(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except ValueError:
        return text


def _no_number(text: str) -> Any:
    """NaN and Infinity, which JSON does not have: sent, they would be null, and so take the field away."""
    raise ValueError(text)
