"""A namespace for each module's commands, as on a cluster: with its default ServiceAccount."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from tests.support.kubectl import Kubectl


@dataclass(frozen=True)
class Shell:
    """Runs command lines in one namespace."""

    kubectl: Kubectl
    namespace: str

    def __call__(self, line: str, *more: str, input: str | None = None) -> str:
        """The output of `kubectl LINE` (split at spaces) with further arguments. Fails the test if it failed."""
        return self.kubectl("-n", self.namespace, *line.split(), *more, input=input)

    def fails(self, line: str, *more: str, input: str | None = None) -> str:
        """What it says on stderr. Fails the test if the command does not fail."""
        done = self.kubectl.run("-n", self.namespace, *line.split(), *more, input=input)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def apply(self, *objects: dict[str, Any], flags: str = "") -> str:
        """Applies objects."""
        return self(f"apply {flags} -f -", input="\n---\n".join(map(json.dumps, objects)))

    def json(self, line: str) -> Any:
        """Its output under `-o json`, parsed."""
        return json.loads(self(f"{line} -o json"))


@pytest.fixture(scope="module")
def sh(kubectl: Kubectl) -> Iterator[Shell]:
    """kubectl in a namespace of the module's own."""
    name = f"sh-{uuid4().hex[:8]}"
    kubectl.make_namespace(name)
    yield Shell(kubectl, name)
    kubectl("delete", "namespace", name, "--wait=false")


def config_map(name: str, labels: dict[str, str] | None = None, **data: str) -> dict[str, Any]:
    """A ConfigMap."""
    meta = {"name": name, **({"labels": labels} if labels else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, **({"data": data} if data else {})}
