"""Kubeconfig files: found, parsed and merged by kubectl's rules, before anything is made of them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kgents.api.errors import KgentsError

_FILES = {
    "clusters": ("cluster", ("certificate-authority",)),
    "users": ("user", ("client-certificate", "client-key", "tokenFile")),
}
_LISTS = ("clusters", "contexts", "users")


def paths(explicit: str | Path | None, env: Mapping[str, str]) -> list[Path]:
    """The files that count, in order of precedence; not all of them need be there."""
    if explicit is not None:
        return [Path(explicit).expanduser()]
    if listed := [entry for entry in env.get("KUBECONFIG", "").split(os.pathsep) if entry]:
        return [Path(entry).expanduser() for entry in dict.fromkeys(listed)]
    home = env.get("HOME")
    return [(Path(home) if home else Path.home()) / ".kube" / "config"]


def load_merged(explicit: str | Path | None, env: Mapping[str, str]) -> dict[str, Any]:
    """All files as one: `clusters`, `contexts` and `users` are always lists, file names in them absolute.

    Only an explicit file must exist. Raises KgentsError, naming the file, for one that cannot be read or understood.
    """
    merged: dict[str, Any] = {group: [] for group in _LISTS}
    for path in paths(explicit, env):
        if explicit is None and not path.exists():
            continue
        document = _read(path)
        merged["current-context"] = merged.get("current-context") or document.get("current-context")
        for group in _LISTS:
            for entry in _entries(document, group, path):
                if named(merged[group], entry["name"]) is None:
                    merged[group].append(_with_absolute_files(entry, group, path))
    return merged


def named(entries: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any] | None:
    return next((entry for entry in entries if entry["name"] == name), None)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise KgentsError(f"cannot read the kubeconfig {path}", why=why) from error
    document = _parse(text, path)
    if document is None:
        return {}
    if not isinstance(document, Mapping):
        raise KgentsError(f"cannot understand the kubeconfig {path}", why="it is not a mapping")
    return document


def _parse(text: str, path: Path) -> Any:
    # kubeconfigs that programs write are often JSON: that saves importing yaml.
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text)
        except ValueError:
            pass  # YAML's flow style looks alike: yaml has the last word.
    import yaml  # 10 ms

    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        why = f"line {mark.line + 1}: {getattr(error, 'problem', None) or 'not YAML'}" if mark else "not YAML"
        raise KgentsError(f"cannot understand the kubeconfig {path}", why=why) from error


def _entries(document: Mapping[str, Any], group: str, path: Path) -> list[Mapping[str, Any]]:
    entries = document.get(group) or []
    if not isinstance(entries, list) or not all(
        isinstance(e, Mapping) and isinstance(e.get("name"), str) for e in entries
    ):
        raise KgentsError(f"cannot understand the kubeconfig {path}", why=f'"{group}" is not a list of named entries')
    return entries


def _with_absolute_files(entry: Mapping[str, Any], group: str, path: Path) -> Mapping[str, Any]:
    """File names in a kubeconfig are relative to the folder of the file that names them."""
    if group not in _FILES:
        return entry
    key, names = _FILES[group]
    section = entry.get(key)
    if not isinstance(section, Mapping):
        return entry
    folder = path.absolute().parent
    files = {name: str(folder / str(section[name])) for name in names if section.get(name)}
    return {**entry, key: {**section, **files}} if files else entry
