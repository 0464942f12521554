from __future__ import annotations

import pytest

from kgents.kube.config import ClusterConfig, load

_KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: none
clusters: [{name: none, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: none, user: {token: none}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
"""


@pytest.fixture
def unused_config(tmp_path_factory: pytest.TempPathFactory) -> ClusterConfig:
    """A server that nobody calls."""
    path = tmp_path_factory.mktemp("kube") / "config"
    path.write_text(_KUBECONFIG)
    return load(path=path)
