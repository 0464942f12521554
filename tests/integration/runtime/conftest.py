"""A runtime for each test module that asks, and one of its own for tests that kill it."""

from __future__ import annotations

import itertools
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.runtime.hive import Node
from tests.support.kubectl import Kubectl

_NETS = itertools.count(32)


def _make(kubectl: Kubectl, root: Path, *options: str, prefix: tuple[str, ...] = ()) -> Node:
    namespace = f"rt-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", namespace)
    if kubectl.run("get", "serviceaccount", "default", "-n", namespace).returncode:
        kubectl("create", "serviceaccount", "default", "-n", namespace)
    # A net of its own in 127/8 for each, so that nobody's ports are in the way.
    net = next(_NETS)
    cidr = f"127.78.{net}.0/24"
    kubelet = f"127.78.31.{net}"
    made = Node(
        kubectl, root, cidr, namespace, ("--first-pause", "0.2", "--kubelet-address", kubelet, *options), prefix
    )
    made.start()
    return made


@pytest.fixture(scope="module")
def node(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A runtime that the tests of a module share."""
    made = _make(kubectl, tmp_path_factory.mktemp("node"))
    yield made
    made.close()


@pytest.fixture
def new_node(kubectl: Kubectl, tmp_path: Path) -> Iterator[Callable[..., Node]]:
    """Makes runtimes that a test may do anything to."""
    made: list[Node] = []

    def make(*options: str, prefix: tuple[str, ...] = (), root: Path | None = None) -> Node:
        made.append(_make(kubectl, root or tmp_path / f"node{len(made)}", *options, prefix=prefix))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def own_node(new_node: Callable[..., Node]) -> Node:
    """One runtime that the test may kill."""
    return new_node()


@pytest.fixture
def controllers(own_node: Node) -> Iterator[None]:
    """The control loops, beside `own_node`."""
    command = [sys.executable, "-P", "-m", "kgents.embedded.controllers"]
    with (own_node.root / "controllers.log").open("w") as log:
        process = subprocess.Popen([*command, "--kubeconfig", str(own_node.kubectl.kubeconfig)], stderr=log)
    yield
    process.terminate()
    process.wait(30)
