"""The user's kubeconfig: the hive's context is added and selected there, as kind does, and taken out again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from kgents.api.errors import KgentsError
from kgents.files import write_private

_SECTIONS = ("clusters", "users", "contexts")


def user_kubeconfig() -> Path:
    """The file that is written to: the first of KUBECONFIG that exists, else its last, else ~/.kube/config."""
    named = [Path(part) for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    if not named:
        return Path.home() / ".kube" / "config"
    return next((path for path in named if path.exists()), named[-1])


def merge(path: Path, addition: dict[str, Any]) -> None:
    """Adds the entries of `addition` (replacing those of the same name) and selects its context."""
    config = _read(path)
    for section in _SECTIONS:
        new = addition[section]
        names = {entry["name"] for entry in new}
        config[section] = [entry for entry in config.get(section) or [] if entry.get("name") not in names] + new
    config["current-context"] = addition["current-context"]
    _write(path, config)


def select(path: Path, context: str, namespace: str = "") -> None:
    """Makes `context` the current one, as `kubectl config use-context` does; `namespace` becomes its own if given."""
    config = _read(path)
    before = repr(config)
    config["current-context"] = context
    for entry in config.get("contexts") or []:
        if namespace and entry.get("name") == context:
            entry["context"] = {**(entry.get("context") or {}), "namespace": namespace}
    if repr(config) != before:
        _write(path, config)


def remove(path: Path, context: str) -> None:
    """Takes the entries of that name out; the current context is unset when it was this one."""
    if not path.exists():
        return
    config = _read(path)
    for section in _SECTIONS:
        config[section] = [entry for entry in config.get(section) or [] if entry.get("name") != context]
    if config.get("current-context") == context:
        rest = config["contexts"]
        config["current-context"] = rest[0]["name"] if len(rest) == 1 else ""
    _write(path, config)


def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        config = yaml.safe_load(path.read_text()) if path.exists() else None
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise _unusable(path, "it is not valid YAML" if isinstance(error, yaml.YAMLError) else str(error)) from error
    if config is None:
        return {"apiVersion": "v1", "kind": "Config", "preferences": {}}
    if not isinstance(config, dict):
        raise _unusable(path, "it holds no mapping")
    return config


def _write(path: Path, config: dict[str, Any]) -> None:
    import yaml

    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A kubeconfig is often a link into a dotfiles folder: what it points to is written, the link stays.
        write_private(path.resolve(), yaml.safe_dump(config, sort_keys=False))
    except OSError as error:
        raise _unusable(path, str(error.strerror)) from error


def _unusable(path: Path, why: str) -> KgentsError:
    return KgentsError(
        f"The kubeconfig {path} cannot be used", why=why, fix="Mend it, or leave it alone with --no-kubeconfig"
    )
