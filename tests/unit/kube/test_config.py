from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from kgents.api.errors import KgentsError, NotFound, Unreachable
from kgents.kube import config


def kubeconfig(
    name: str, *, server: str = "https://127.0.0.1:6443", user: Any = None, **context: Any
) -> dict[str, Any]:
    return {
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": server}}],
        "users": [{"name": name, "user": user or {}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, **context}}],
    }


def written(folder: Path, name: str, document: Any) -> str:
    path = folder / name
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    return str(path)


def test_the_current_context_is_used(tmp_path: Path) -> None:
    path = written(tmp_path, "a", kubeconfig("one", namespace="lab", user={"token": "t"}))
    found = config.load(path=path)
    assert (found.context, found.server, found.namespace, found.token) == ("one", "https://127.0.0.1:6443", "lab", "t")


def test_files_of_kubeconfig_are_merged_and_the_first_wins(tmp_path: Path) -> None:
    first = written(tmp_path, "a", kubeconfig("one", server="https://first"))
    second = written(
        tmp_path, "b", {**kubeconfig("one", server="https://second"), "contexts": kubeconfig("two")["contexts"]}
    )
    third = written(tmp_path, "c", kubeconfig("two", server="https://third"))
    env = {"KUBECONFIG": f"{first}::{tmp_path}/missing:{second}:{third}"}
    assert config.contexts(env=env) == ["one", "two"]
    assert config.load(env=env).server == "https://first"
    assert config.load("two", env=env).server == "https://third"


def test_home_is_the_default(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    written(tmp_path / ".kube", "config", kubeconfig("home"))
    assert config.load(env={"HOME": str(tmp_path)}).context == "home"


def test_file_names_are_relative_to_their_kubeconfig(tmp_path: Path) -> None:
    document = kubeconfig(
        "one", user={"client-certificate": "pki/me.crt", "client-key": "/abs/me.key", "tokenFile": "t"}
    )
    document["clusters"][0]["cluster"]["certificate-authority"] = "ca.crt"
    found = config.load(path=written(tmp_path, "a", document))
    assert (found.ca_file, found.client_cert_file) == (f"{tmp_path}/ca.crt", f"{tmp_path}/pki/me.crt")
    assert (found.client_key_file, found.token_file) == ("/abs/me.key", f"{tmp_path}/t")


def test_data_is_decoded_and_options_are_kept(tmp_path: Path) -> None:
    document = kubeconfig("one", user={"client-certificate-data": base64.b64encode(b"PEM").decode()})
    document["clusters"][0]["cluster"] |= {"insecure-skip-tls-verify": True, "tls-server-name": "kube"}
    found = config.load(path=written(tmp_path, "a", document))
    assert (found.client_cert_data, found.insecure, found.tls_server_name) == (b"PEM", True, "kube")


def test_secrets_stay_out_of_the_repr(tmp_path: Path) -> None:
    path = written(tmp_path, "a", kubeconfig("one", user={"token": "hunter2", "password": "hunter2"}))
    assert "hunter2" not in repr(config.load(path=path))


def test_json_is_yaml_too(tmp_path: Path) -> None:
    assert config.load(path=written(tmp_path, "a", json.dumps(kubeconfig("one")))).context == "one"


def test_an_exec_plugin_is_read(tmp_path: Path) -> None:
    plugin = {"command": "aws", "args": ["eks"], "env": [{"name": "A", "value": "1"}], "apiVersion": "v9"}
    found = config.load(path=written(tmp_path, "a", kubeconfig("one", user={"exec": plugin})))
    assert found.exec == config.ExecPlugin("aws", ("eks",), (("A", "1"),), "v9")


@pytest.mark.parametrize(
    "text",
    ["a: [", "- a", "just text", "contexts: 5", "contexts: [{context: {}}]", "\x00", "users: [1]", "{broken json"],
)
def test_a_malformed_file_is_named(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, "bad", text)
    with pytest.raises(KgentsError, match=r"cannot understand the kubeconfig .*bad"):
        config.load(path=path)


@pytest.mark.parametrize("server", ["", "ftp://x", "https://"])
def test_a_server_that_is_none_is_refused(tmp_path: Path, server: str) -> None:
    with pytest.raises(KgentsError, match="no usable server"):
        config.load(path=written(tmp_path, "a", kubeconfig("one", server=server)))


def test_data_that_is_not_base64_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KgentsError, match=r"client-key-data .* not base64"):
        config.load(path=written(tmp_path, "a", kubeconfig("one", user={"client-key-data": "%%%"})))


def test_an_unknown_context_lists_those_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r'no context "two".*There is: one'):
        config.load("two", path=written(tmp_path, "a", kubeconfig("one")))


def test_a_context_that_points_nowhere_is_not_found(tmp_path: Path) -> None:
    document = {**kubeconfig("one"), "clusters": []}
    with pytest.raises(NotFound, match='no cluster "one"'):
        config.load(path=written(tmp_path, "a", document))


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(KgentsError, match="cannot read the kubeconfig"):
        config.load(path=tmp_path / "missing")


def test_without_any_kubeconfig_the_way_out_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="kgents infra init"):
        config.load(env={"HOME": str(tmp_path)})


def test_a_pod_uses_its_service_account(tmp_path: Path) -> None:
    folder = tmp_path / config.SERVICE_ACCOUNT_DIR.lstrip("/")
    folder.mkdir(parents=True)
    for name, text in (("token", "t"), ("namespace", "lab"), ("ca.crt", "PEM")):
        (folder / name).write_text(text)
    env = {"HOME": str(tmp_path), "KUBERNETES_SERVICE_HOST": "127.0.0.1", "KGENTS_POD_ROOT": str(tmp_path)}
    found = config.load(env=env)
    assert (found.server, found.namespace, found.token_file) == ("https://127.0.0.1:443", "lab", str(folder / "token"))


def test_the_namespace_can_be_overridden(tmp_path: Path) -> None:
    path = written(tmp_path, "a", kubeconfig("one", namespace="lab"))
    assert config.load(path=path, namespace="other").namespace == "other"
