"""An API server with the law of the hive, and agents' ServiceAccounts with the permissions that the operator gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from kgents import sdk
from kgents.infra import manifests
from operators.agent import access
from tests.support import hive
from tests.support.kubectl import Kubectl

AgentOf = Callable[..., sdk.Agent]


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[hive.HiveApi]:
    api = hive.start(tmp_path_factory.mktemp("hall"))
    kubectl = Kubectl(api.kubeconfig)
    for some in (manifests.foundation(), manifests.crds()):
        whole = {"apiVersion": "v1", "kind": "List", "items": some}
        kubectl("apply", "--server-side", "-f", "-", input=json.dumps(whole))
    yield api
    api.stop()


@pytest.fixture
def admin(hall: hive.HiveApi) -> Kubectl:
    return Kubectl(hall.kubeconfig)


@pytest.fixture
def agent_of(hall: hive.HiveApi, admin: Kubectl, monkeypatch: pytest.MonkeyPatch) -> AgentOf:
    """An agent with its own token: its account is there, with what the law lets each agent do, and `affordances`."""
    monkeypatch.setenv("KUBECONFIG", str(hall.kubeconfig))

    def make(name: str, *affordances: str, own_account: bool = True, **more: float) -> sdk.Agent:
        admin.make_account(name, "default")
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}}
        admin("apply", "-f", "-", input=json.dumps({**role, "rules": access.rules(affordances)}))
        admin.run("create", "rolebinding", name, f"--role={name}", f"--serviceaccount=default:{name}")
        return sdk.agent(name, own_account=own_account, **more)

    return make
