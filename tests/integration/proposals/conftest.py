"""An API server with the law of the hive; the tests run the proposal operator themselves, step by step."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

import pytest

from kgents.infra import manifests
from tests.integration.proposals.desk import ADMIN, OPERATORS, Desk
from tests.support import hive
from tests.support.kubectl import Kubectl


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[hive.HiveApi]:
    directory = tmp_path_factory.mktemp("hall")
    tokens = directory / "tokens.json"
    tokens.write_text(json.dumps([ADMIN, OPERATORS]))
    tokens.chmod(0o600)
    api = hive.start(directory)
    kubectl = Kubectl(api.kubeconfig)
    for some in (manifests.foundation(), manifests.crds()):
        whole = {"apiVersion": "v1", "kind": "List", "items": some}
        kubectl("apply", "--server-side", "-f", "-", input=json.dumps(whole))
    yield api
    api.stop()


@pytest.fixture
async def desk(hall: hive.HiveApi) -> AsyncIterator[Desk]:
    async with Desk.open(hall) as made:
        yield made
