"""A hive of its own with controllers and operators as processes; the tests themselves play the node."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kgents.infra import manifests
from tests.support import hive
from tests.support.kubectl import Kubectl

OPERATORS = "system:serviceaccount:kgents-system:kgents-operators"
ADMIN = {"token": "admin-token-of-the-tests", "user": "kubernetes-admin", "uid": "", "groups": ["system:masters"]}
OWN = {"token": "operators-token-of-the-tests", "user": OPERATORS, "uid": "", "groups": ["system:serviceaccounts"]}


@dataclass
class Body:
    """An API server, its controllers, and operators that can be killed and begun again."""

    api: hive.HiveApi
    kubectl: Kubectl
    kubeconfig: Path
    processes: dict[str, subprocess.Popen[bytes]]

    def begin(self, module: str, kubeconfig: Path) -> None:
        with (self.api.dir / f"{module}.log").open("ab") as log:
            command = [sys.executable, "-P", "-m", module, "--kubeconfig", str(kubeconfig)]
            self.processes[module] = subprocess.Popen(command, stdout=log, stderr=log)

    def end(self, module: str, *, kill: bool = False) -> None:
        process = self.processes.pop(module)
        if kill:
            process.kill()
        process.terminate()
        process.wait(20)

    def begin_operators(self) -> None:
        self.begin("operators", self.kubeconfig)


@pytest.fixture(scope="module")
def body(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Body]:
    whole = raised(tmp_path_factory.mktemp("body"))
    whole.begin_operators()
    yield whole
    for module in list(whole.processes):
        whole.end(module)
    whole.api.stop()  # a test may have killed one and begun another


def raised(directory: Path) -> Body:
    """All but the operators."""
    tokens = directory / "tokens.json"
    tokens.write_text(json.dumps([ADMIN, OWN]))
    tokens.chmod(0o600)
    api = hive.start(directory)
    kubectl = Kubectl(api.kubeconfig)
    for made in (*manifests.crds(), *manifests.foundation()):
        kubectl("apply", "-f", "-", input=json.dumps(made))
    # The operators run as themselves, not as the administrator: their ClusterRole is under test too.
    own = directory / "operators.kubeconfig"
    own.write_text(api.kubeconfig.read_text().replace(ADMIN["token"], OWN["token"]))
    whole = Body(api, kubectl, own, {})
    whole.begin("kgents.embedded.controllers", api.kubeconfig)
    return whole
