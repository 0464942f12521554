"""A cluster that somebody gives the tests: `KGENTS_TEST_KUBECONFIG` names a kubeconfig that leads to it.

It may be used by others: tests keep to namespaces and names of their own, expect nothing to be empty, and take away
what they made and nothing else. What makes sense for the embedded server alone is left out, with its reason.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import json
import os
import secrets
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kgents.api.kinds import CONFIG_MAP
from kgents.kube import config
from kgents.kube.client import KubeClient
from kgents.kube.credentials import Credentials
from tests.support.hive import HiveApi

VARIABLE = "KGENTS_TEST_KUBECONFIG"
RUN = "KGENTS_TEST_RUN"
LABEL = "tests.kgents.io/run"
LEFT_OUT = {
    "tests/integration/apiserver/test_kill.py": "kills servers of its own",
    "tests/integration/apiserver/test_restart.py": "stops and starts a server of its own",
    "tests/integration/apiserver/test_soak.py": "kills servers of its own",
    "tests/integration/controllers": "runs the embedded hive's controllers itself",
    "tests/integration/governance": "freezes a whole hive, one of its own",
    "tests/integration/infra": "makes and deletes hives of its own",
    "tests/integration/operators": "has a hive of its own, whose processes it kills",
    "tests/integration/runtime": "runs nodes of the embedded hive itself",
    "tests/e2e": "makes and deletes hives of its own",
}
"""Folders and files that make sense for the embedded hive alone. Single tests say so with the marker `embedded`."""
ALONE = {
    "tests/integration/apiserver": "expects a server's answers to the letter",
    "tests/integration/kubectl": "expects a server's answers to the letter",
}
"""Left out where controllers run: they take part in what is asked. Single tests say so with the marker `alone`."""


class Given(HiveApi):
    """That cluster, for tests that ask for `hive_api`. Whatever logs in, what they get is self-contained."""

    def __init__(self, path: str, directory: Path) -> None:
        self._config = config.load(path=path)
        self.url, self.dir = self._config.server, directory
        self._headers = asyncio.run(Credentials(self._config).headers())
        self._write_kubeconfig()

    @property
    def ca_file(self) -> Path:
        found = self.dir / "ca.crt"
        if not found.exists():
            found.write_bytes(_authority(self._config) or b"")
        return found

    @property
    def token(self) -> str:
        """The bearer token, "" for who logs in by certificate."""
        return self._headers.get("Authorization", "").removeprefix("Bearer ")

    @property
    def is_shared(self) -> bool:
        return True

    @property
    def user(self) -> str:
        return asyncio.run(_whoami(self._config))

    def ssl_context(self, *, anonymous: bool = False) -> ssl.SSLContext:
        bare = replace(
            self._config, client_cert_data=None, client_key_data=None, client_cert_file=None, client_key_file=None
        )
        context = asyncio.run(Credentials(bare if anonymous else self._config).ssl_context())
        assert context is not None, "the tests speak HTTPS"
        return context

    def stop(self) -> None:
        """It is not ours to stop."""

    def kill(self) -> None:
        raise AssertionError("a test that kills the server needs the marker `embedded`")

    def _write_kubeconfig(self) -> None:
        found, authority = self._config, _authority(self._config)
        cluster: dict[str, Any] = {"server": found.server}
        if authority:
            cluster["certificate-authority-data"] = base64.b64encode(authority).decode()
        if found.insecure:
            cluster["insecure-skip-tls-verify"] = True
        if found.tls_server_name:
            cluster["tls-server-name"] = found.tls_server_name
        user: dict[str, Any] = {"token": self.token} if self.token else {}
        for key, data, file in (
            ("client-certificate-data", found.client_cert_data, found.client_cert_file),
            ("client-key-data", found.client_key_data, found.client_key_file),
        ):
            if data or file:
                user[key] = base64.b64encode(data or Path(str(file)).read_bytes()).decode()
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "given",
            "clusters": [{"name": "given", "cluster": cluster}],
            "users": [{"name": "given", "user": user}],
            "contexts": [{"name": "given", "context": {"cluster": "given", "user": "given"}}],
        }
        self.kubeconfig.write_text(json.dumps(document))
        self.kubeconfig.chmod(0o600)


def path() -> str:
    """The kubeconfig that was given, "" when there is none."""
    return os.environ.get(VARIABLE, "")


def begin() -> None:
    """Names this run, for itself and its workers."""
    os.environ.setdefault(RUN, secrets.token_hex(4))


def reason(item: pytest.Item) -> str:
    """Why a test is left out where a cluster is given; "" when it is not."""
    return _reason(item, "embedded", LEFT_OUT) or (_reason(item, "alone", ALONE) if has_controllers() else "")


def header() -> list[str]:
    """What is said at the start of a run."""
    left_out = [("as the embedded hive's own", LEFT_OUT)]
    if has_controllers():
        left_out.append(("since controllers run there", ALONE))
    parts = [f"  {part}: {why}, left out {on}" for on, table in left_out for part, why in table.items()]
    return [f"cluster: {config.load(path=path()).server} ({VARIABLE})", *parts]


@functools.cache
def has_controllers() -> bool:
    """Whether somebody gives each namespace the ConfigMap with the cluster's certificate, as Kubernetes' own do."""
    return asyncio.run(_has_controllers(config.load(path=path())))


def _reason(item: pytest.Item, marker: str, table: dict[str, str]) -> str:
    found = item.get_closest_marker(marker)
    if found is not None:
        return str(found.args[0])
    file = item.nodeid.partition("::")[0]
    return next((why for start, why in table.items() if f"{file}/".startswith(f"{start}/")), "")


async def _has_controllers(found: config.ClusterConfig) -> bool:
    async with KubeClient(found) as api:
        listed = await api.list(CONFIG_MAP, "default", field_selector="metadata.name=kube-root-ca.crt")
    return bool(listed["items"])


def _authority(found: config.ClusterConfig) -> bytes | None:
    return found.ca_data or (Path(found.ca_file).read_bytes() if found.ca_file else None)


async def _whoami(found: config.ClusterConfig) -> str:
    async with KubeClient(found) as api:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        said = await api.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=review)
    return str(said["status"]["userInfo"]["username"])
