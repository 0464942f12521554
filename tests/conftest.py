"""Fixtures that every test may ask for, and the choice of the cluster that integration tests run against."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import given, hive, kinds
from tests.support.kubectl import Kubectl

LONGEST_ID = 200


@pytest.fixture(scope="session")
def hive_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[hive.HiveApi]:
    """A real API server, shared by the session; tests keep to namespaces of their own.

    An embedded one, or that of the cluster which KGENTS_TEST_KUBECONFIG names.
    """
    directory = tmp_path_factory.mktemp("hive")
    api = given.Given(given.path(), directory) if given.path() else hive.start(directory)
    yield api
    api.stop()


@pytest.fixture(scope="session")
def kubectl(hive_api: hive.HiveApi) -> Kubectl:
    """The real kubectl, as the hive's administrator."""
    return Kubectl(hive_api.kubeconfig)


@pytest.fixture(scope="session")
def api_with_kinds(hive_api: hive.HiveApi, kubectl: Kubectl) -> hive.HiveApi:
    """The same server, with the five kinds."""
    kinds.ensure(kubectl)
    return hive_api


@pytest.fixture
def new_namespace(kubectl: Kubectl) -> Iterator[Callable[[str], str]]:
    """Makes namespaces whose names begin as asked for; they go with the test."""
    made: list[str] = []

    def make(prefix: str) -> str:
        made.append(f"{prefix}-{uuid.uuid4().hex[:8]}")
        kubectl.make_namespace(made[-1])
        return made[-1]

    yield make
    for name in made:
        kubectl("delete", "namespace", name, "--wait=false")


def pytest_configure(config: pytest.Config) -> None:
    given.begin()


def pytest_make_parametrize_id(val: object) -> str | None:
    """A short name for a huge text: pytest puts a test's name into the environment, where no process starts with it."""
    if isinstance(val, str | bytes) and len(val) > LONGEST_ID:
        return f"{val[:40]!a} and so on, {len(val)} in all"
    return None


def pytest_report_header(config: pytest.Config) -> list[str]:
    return given.header() if given.path() else []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if given.path():
        out = [item for item in items if given.reason(item)]
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in out]


def pytest_sessionfinish(session: pytest.Session) -> None:
    # In the process that has the workers, if there are any: only then does nobody use the kinds any more.
    if given.path() and not hasattr(session.config, "workerinput"):
        with tempfile.TemporaryDirectory() as folder:
            kinds.remove(Kubectl(given.Given(given.path(), Path(folder)).kubeconfig))
