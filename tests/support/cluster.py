"""A whole cluster that is not of this machine's making, as kgents sees it: an address, and contexts in a kubeconfig."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgents.embedded.auth import pki
from tests.support import hive
from tests.support.kubectl import Kubectl

Object = dict[str, Any]


@dataclass
class Cluster:
    """An API server with controllers and a node, each started by hand."""

    api: hive.HiveApi
    node: subprocess.Popen[bytes]

    @property
    def kubectl(self) -> Kubectl:
        """Its administrator's."""
        return Kubectl(self.api.kubeconfig)

    def write_kubeconfig(self, path: Path, *users: str, current: str = "") -> None:
        """A kubeconfig with a context `far/USER` for each, logged in by client certificate; `root` may do all."""
        entries = [{"name": user, "user": self._certificate(user)} for user in users]
        self.write(path, entries, current)

    def write(self, path: Path, users: list[Object], current: str = "") -> None:
        """As `write_kubeconfig`, with users as they are."""
        authority = base64.b64encode(self.api.ca_file.read_bytes()).decode()
        far = {"name": "far", "cluster": {"server": self.api.url, "certificate-authority-data": authority}}
        gone = {"name": "gone", "cluster": {"server": "https://127.0.0.1:1"}}
        contexts = [
            {"name": f"far/{user['name']}", "context": {"cluster": "far", "user": user["name"]}} for user in users
        ]
        contexts.append({"name": "gone", "context": {"cluster": "gone", "user": users[0]["name"]}})
        config = {"apiVersion": "v1", "kind": "Config", "clusters": [far, gone], "users": users, "contexts": contexts}
        path.write_text(json.dumps({**config, "current-context": current}))
        path.chmod(0o600)

    def stop(self) -> None:
        """Ends all of it."""
        self.node.terminate()
        try:
            self.node.wait(30)
        except subprocess.TimeoutExpired:
            self.node.kill()
            self.node.wait()
        self.api.stop()

    def _certificate(self, user: str) -> Object:
        keys = pki.Pki(self.api.dir / "pki")
        pair = pki.issue_client(keys, user, ["system:masters" if user == "root" else "people"])
        certificate, key = (base64.b64encode(pem).decode() for pem in pair)
        return {"client-certificate-data": certificate, "client-key-data": key}


def start(directory: Path, net: str, programs: Path | None = None) -> Cluster:
    """Starts one, ready when this returns. `net` is its nodes' own part of 127/8, such as 77.40.

    `programs`: a folder that comes first on the PATH of its pods.
    """
    api = hive.start(directory / "api")
    command = [sys.executable, "-P", "-m", "kgents.embedded.node", "--kubeconfig", str(api.kubeconfig)]
    command += ["--root", str(directory / "node"), "--pki", str(api.dir / "pki"), "--node-name", "far-node"]
    command += ["--pod-cidr", f"127.{net}.0/24", "--kubelet-address", f"127.{net}.254"]
    (directory / "node").mkdir()
    with (directory / "node.log").open("ab") as log:
        path = os.pathsep.join([*([str(programs)] if programs else []), os.environ["PATH"]])
        node = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "PATH": path})
    return Cluster(api, node)
