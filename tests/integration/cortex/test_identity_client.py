"""`kgents --cortex HOST:PORT`: the command line and a Cortex in a cluster."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from kgents.embedded.auth import pki
from tests.integration.cortex import visitor
from tests.integration.cortex.visitor import Far
from tests.support.hive import HiveApi
from tests.support.kubectl import Kubectl

pytestmark = pytest.mark.embedded("gives Cortex rights in the whole cluster")
CA = ("configmap", "kgents-cortex-ca", "-n", "kgents-system")


@dataclass(frozen=True)
class Person:
    """Somebody with a kubeconfig, a home, and a terminal."""

    env: dict[str, str]

    def __call__(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("kgents")), *words]
        done = subprocess.run(
            command, env={**self.env, **env}, capture_output=True, text=True, timeout=120, check=False
        )
        assert "Traceback" not in done.stderr
        return done

    def layer(self, *words: str, **env: str) -> str:
        """Which layer answered."""
        done = self(*words, "-o", "json", **env)
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["source"]["layer"])


@pytest.fixture
def far(api_with_kinds: HiveApi, kgents_home: Path, kubectl: Kubectl, tmp_path: Path) -> Iterator[Far]:
    found = visitor.start(visitor.install(kubectl, tmp_path), tmp_path)
    publish(kubectl, found)
    try:
        yield found
    finally:
        found.stop()
        kubectl("delete", *CA, "--ignore-not-found")


def publish(kubectl: Kubectl, far: Far) -> None:
    kubectl("delete", *CA, "--ignore-not-found")
    kubectl("create", *CA, f"--from-literal=ca.crt={far.pair.certificate.read_text()}")


@pytest.fixture
def person(kubectl: Kubectl, tmp_path: Path, namespace: str) -> Callable[..., Person]:
    """Makes them, with a user entry of the kubeconfig of their own, in the test's namespace."""

    def make(name: str, user: dict[str, Any]) -> Person:
        home = tmp_path / name
        home.mkdir()
        config = yaml.safe_load(Path(kubectl.kubeconfig).read_text())
        config["users"] = [{**entry, "user": user} for entry in config["users"]]
        for entry in config["contexts"]:
            entry["context"]["namespace"] = namespace
        path = home / "config"
        path.write_text(json.dumps(config))
        env = {"HOME": str(home), "KGENTS_HOME": str(home / "k"), "KUBECONFIG": str(path), "KGENTS_NO_DAEMON": "1"}
        return Person({"PATH": os.pathsep.join([str(kubectl.binary.parent), os.environ["PATH"]]), **env})

    return make


def place(far: Far) -> str:
    return f"127.0.0.1:{far.port}"


def test_each_way_to_have_a_token_leads_there(
    far: Far, person: Callable[..., Person], api_with_kinds: HiveApi, tmp_path: Path
) -> None:
    file = tmp_path / "shown"
    file.write_text(api_with_kinds.token)
    said = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}
    said = {**said, "status": {"token": api_with_kinds.token}}
    plugin = {"apiVersion": said["apiVersion"], "command": "echo", "args": [json.dumps(said)]}
    users = {"token": {"token": api_with_kinds.token}, "file": {"tokenFile": str(file)}}
    users["exec"] = {"exec": {**plugin, "interactiveMode": "Never"}}

    layers = {name: person(name, user).layer("--cortex", place(far), "status") for name, user in users.items()}

    assert layers == {"token": "cortex", "file": "cortex", "exec": "cortex"}


def test_one_reads_writes_and_remembers_through_it(
    far: Far, person: Callable[..., Person], api_with_kinds: HiveApi
) -> None:
    admin = person("admin", {"token": api_with_kinds.token})
    there = {"KGENTS_CORTEX": place(far)}

    made = admin("invoke", "world.cluster.agents.walker.define", 'spec={"command":["true"]}', **there)
    assert made.returncode == 0, made.stderr
    assert admin("signal", "emit", "STATE", "--payload", "hello", **there).returncode == 0
    assert admin.layer("status", **there) == "cortex"
    assert admin.layer("observe", f"--cortex={place(far)}") == "cortex"

    far.stop()

    assert admin.layer("status", "--ghost") == "ghost"
    assert admin.layer("observe", "--require-live", **there) == "kubectl"


def test_who_has_no_token_is_told_how_to_get_one(
    far: Far, person: Callable[..., Person], api_with_kinds: HiveApi
) -> None:
    keys = pki.Pki(api_with_kinds.dir / "pki")
    pair = [base64.b64encode(pem).decode() for pem in pki.issue_client(keys, "ann", ["system:masters"])]
    certified = person("ann", {"client-certificate-data": pair[0], "client-key-data": pair[1]})

    done = certified("status", "--cortex", place(far))

    assert done.returncode == 4
    assert "client certificate" in done.stderr and "kubectl create token" in done.stderr
    assert certified("status").returncode == 0


def test_a_token_goes_to_nobody_whose_certificate_is_not_the_hives(
    far: Far, person: Callable[..., Person], api_with_kinds: HiveApi, kubectl: Kubectl, tmp_path: Path
) -> None:
    admin = person("admin", {"token": api_with_kinds.token})
    other = visitor.Pair(tmp_path / "other")
    other.folder.mkdir()
    other.write()
    assert admin.layer("status", "--cortex", place(far)) == "cortex"

    wrong = ("status", "--cortex", place(far), "--cortex-ca", str(other.certificate))
    assert admin.layer(*wrong) != "cortex"
    # Given by hand, the certificate must be for the name that was given: this one is for the Service.
    assert admin.layer(*wrong[:4], str(far.pair.certificate)) != "cortex"

    far.pair.write()
    assert admin.layer("status", "--cortex", place(far), "--require-live") == "kubectl"
    publish(kubectl, far)
    assert admin.layer("status", "--cortex", place(far), "--require-live") == "cortex"


def test_a_cortex_given_with_its_own_authority_answers_under_its_name(
    far: Far, person: Callable[..., Person], api_with_kinds: HiveApi, kubectl: Kubectl
) -> None:
    kubectl("delete", *CA)
    far.pair.write("localhost")
    admin = person("admin", {"token": api_with_kinds.token})
    address = f"localhost:{far.port}"

    assert admin.layer("status", "--cortex", address, "--require-live") == "kubectl"
    assert admin.layer("status", "--cortex", address, "--cortex-ca", str(far.pair.certificate)) == "cortex"


def test_a_no_of_cortex_is_a_no(far: Far, person: Callable[..., Person], kubectl: Kubectl, namespace: str) -> None:
    kubectl.make_account("nobody", namespace)
    nobody = person("nobody", {"token": visitor.token(kubectl, "nobody", namespace)})

    done = nobody("status", "--cortex", place(far))

    assert done.returncode == 4 and "may not list agents" in done.stderr


def test_who_acts_as_another_goes_to_the_api_itself(
    far: Far, person: Callable[..., Person], api_with_kinds: HiveApi
) -> None:
    acting = person("acting", {"token": api_with_kinds.token, "as": "ann", "as-groups": ["system:masters"]})

    assert acting.layer("status", "--cortex", place(far), "--require-live") == "kubectl"


@pytest.mark.parametrize(
    "text", ["host:port", "host:0", "host:99999", "a b:7443", "https://host:7443", "u@h:1", ":7443"]
)
def test_what_is_no_address_is_a_mistake(person: Callable[..., Person], api_with_kinds: HiveApi, text: str) -> None:
    done = person("admin", {"token": api_with_kinds.token})("status", "--cortex", text)

    assert done.returncode == 2 and "address" in done.stderr


def test_the_option_wants_a_value(person: Callable[..., Person], api_with_kinds: HiveApi) -> None:
    assert person("admin", {"token": api_with_kinds.token})("status", "--cortex").returncode == 2
