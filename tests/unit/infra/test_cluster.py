from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kgents.api.errors import KgentsError, UsageError
from kgents.infra import cluster, kubeconfig
from kgents.infra import hive as hives
from kgents.infra.hive import Cluster
from kgents.infra.installing import Wish

FAR = Cluster("arn:aws/far", "https://far.example:443", ("/a/config", "/b/config"))


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KGENTS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    return tmp_path / "home"


@pytest.fixture
def old_server() -> Iterator[str]:
    """An API server that says which version it is, and nothing else."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"major": "1", "minor": "28+", "gitVersion": "v1.28.9-eks"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def write_kubeconfig(path: Path, server: str) -> None:
    config = {
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "contexts": [{"name": "old", "context": {"cluster": "c"}}],
    }
    path.write_text(json.dumps(config))


def test_a_hive_in_a_cluster_is_found_again_by_name_and_by_context() -> None:
    made = hives.create_in(FAR, "far")

    assert hives.load("far") == made
    assert hives.of_context("arn:aws/far") == made
    assert (made.context, made.server, made.kubeconfigs) == (FAR.context, FAR.server, "/a/config:/b/config")


def test_damaged_neighbours_hide_no_hive(own_home: Path) -> None:
    (own_home / "hives" / "broken").mkdir(parents=True)
    (own_home / "hives" / "broken" / "hive.json").write_text("{")

    assert hives.of_context(hives.create_in(FAR, "far").context) is not None
    assert hives.create("laptop").net


@pytest.mark.parametrize("context", ["arn:aws:eks:eu-1:1/far", "UPPER", "x" * 300, "ä", "--", "../up"])
def test_any_context_gives_a_name_that_can_be_one(context: str) -> None:
    assert hives.check_name(hives.name_for(context))


def test_contexts_that_look_alike_get_different_names() -> None:
    first = hives.create_in(FAR._replace(context="a/b"), hives.name_for("a/b"))

    assert hives.name_for("a:b") != first.name


def test_a_server_that_is_too_old_is_told_so(tmp_path: Path, old_server: str, own_home: Path) -> None:
    write_kubeconfig(tmp_path / "kubeconfig", old_server)

    with pytest.raises(KgentsError, match=r"v1\.28\.9-eks.*1\.30"):
        cluster.init("old", "", lambda _: None, Wish())
    assert hives.known() == []


def test_a_context_that_leads_elsewhere_by_now_is_not_touched(tmp_path: Path, old_server: str) -> None:
    write_kubeconfig(tmp_path / "kubeconfig", old_server)
    hives.create_in(Cluster("old", "https://before:6443", (str(tmp_path / "kubeconfig"),)), "old")

    with pytest.raises(KgentsError, match=r"another cluster.*--keep-cluster"):
        cluster.init("old", "", lambda _: None, Wish())


def test_the_embedded_hives_own_context_is_no_cluster(tmp_path: Path) -> None:
    hive = hives.create("laptop")
    config = {
        "clusters": [{"name": "c", "cluster": {"server": hive.server}}],
        "contexts": [{"name": hive.context, "context": {"cluster": "c"}}],
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(config))

    with pytest.raises(UsageError, match="embedded hive"):
        cluster.init(hive.context, "", lambda _: None, Wish())


def test_selecting_a_context_changes_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    write_kubeconfig(path, "https://far:1")

    kubeconfig.select(path, "old", "agents")

    assert "server: https://far:1" in path.read_text()
    assert "current-context: old" in path.read_text()
    assert "namespace: agents" in path.read_text()
