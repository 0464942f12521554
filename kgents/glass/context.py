"""Which hive a command means: kubectl's rules, kept cheap.

Reading a kubeconfig costs an import of yaml and the parsing of what may be a large file. What came of it is kept in
$KGENTS_HOME/run/contexts.json for as long as the files keep their time and size; only names and addresses are kept,
never a credential.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kgents import files
from kgents.api.errors import KgentsError
from kgents.infra.home import context_key, home, private_dir

_KEPT = 32


class Target(NamedTuple):
    """One hive: the context as the kubeconfig names it, the server behind it, and the namespace to look at."""

    context: str
    server: str
    namespace: str = "default"

    @property
    def key(self) -> str:
        return context_key(self.context, self.server)


def resolve(context: str | None = None, namespace: str | None = None, *, env: Mapping[str, str] = os.environ) -> Target:
    """The hive of `context`, or of the current one. Raises KgentsError, NotFound or Unreachable as kubeconfigs do."""
    question = json.dumps([context, [_stamp(path) for path in _files(env)]])
    kept = _kept()
    target = _from_kept(kept.get(question))
    if target is None:
        from kgents.kube import config

        found = config.load(context, env=env)
        target = Target(found.context, found.server, found.namespace)
        if _files(env):
            _keep({**kept, question: target._asdict()})
    return target._replace(namespace=namespace) if namespace else target


def last_known(context: str | None, namespace: str | None) -> Target | None:
    """The hive that answered to `context` before, or the one last used: for when no kubeconfig can be read."""
    for answer in reversed(_kept().values()):
        target = _from_kept(answer)
        if target is not None and context in (None, target.context):
            return target._replace(namespace=namespace) if namespace else target
    return None


def resolve_for_ghost(context: str | None, namespace: str | None) -> Target:
    """As `resolve`, but a kubeconfig that is gone or broken is no hindrance: the ghost needs only the hive's name."""
    try:
        return resolve(context, namespace)
    except KgentsError:
        known = last_known(context, namespace)
        if known is None:
            raise
        return known


def names(*, env: Mapping[str, str] = os.environ) -> list[str]:
    """All contexts, in the order of the files; none where no kubeconfig can be read."""
    from kgents.kube import config

    try:
        return config.contexts(env=env)
    except KgentsError:
        return []


def _files(env: Mapping[str, str]) -> list[Path]:
    named = [Path(part) for part in env.get("KUBECONFIG", "").split(os.pathsep) if part]
    return named or [Path.home() / ".kube" / "config"]


def _stamp(path: Path) -> list[Any]:
    try:
        found = path.stat()
    except OSError:
        return [str(path.absolute())]
    return [str(path.absolute()), found.st_mtime_ns, found.st_size, found.st_ino]


def _from_kept(answer: object) -> Target | None:
    if not isinstance(answer, dict):
        return None
    try:
        return Target(str(answer["context"]), str(answer["server"]), str(answer["namespace"]))
    except KeyError:
        return None


def _kept() -> dict[str, Any]:
    try:
        kept = json.loads((home() / "run" / "contexts.json").read_bytes())
    except (OSError, ValueError):
        return {}  # a cache: what cannot be read is made anew
    return kept if isinstance(kept, dict) else {}


def _keep(answers: dict[str, Any]) -> None:
    path = home() / "run" / "contexts.json"
    content = json.dumps(dict(list(answers.items())[-_KEPT:]))
    try:
        private_dir(path.parent)
        files.write_private(path, content, durable=False)
    except OSError:
        return  # a read-only home only means that the next command parses again
