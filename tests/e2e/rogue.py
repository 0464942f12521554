"""An agent that turns on its hive: what it asks for with its own token, and what it is told."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support.kubectl import Kubectl
from tests.support.machine import Done, Machine

DONE = ""
"""What a request says that was not refused."""
IDLE = ["sleep", "100000"]
ENVELOPE = {"autonomy": {"replicas": {"min": 1, "max": 3}}}


@dataclass(frozen=True)
class Rogue:
    """The agent `name` in `default`; `config` is a kubeconfig with its token and nothing else."""

    machine: Machine
    name: str
    token: str
    config: Path

    @classmethod
    def turn(cls, machine: Machine, name: str) -> Rogue:
        token = machine.kubectl("create", "token", name).strip()
        config = machine.root / f"{name}.kubeconfig"
        made = json.loads((machine.hive / "kubeconfig").read_text())
        made["users"] = [{"name": made["users"][0]["name"], "user": {"token": token}}]
        config.write_text(json.dumps(made))
        return cls(machine, name, token, config)

    @property
    def user(self) -> str:
        return f"system:serviceaccount:default:{self.name}"

    def says(self, *words: str, input: str | None = None) -> str:
        """What kubectl is told."""
        done = Kubectl(self.config).run(*words, input=input)
        return DONE if done.returncode == 0 else done.stderr

    def create(self, kind: str, spec: Mapping[str, Any], name: str = "", **metadata: Any) -> str:
        named = {"name": name} if name else {"generateName": f"{self.name}-"}
        body = {"apiVersion": "kgents.io/v1", "kind": kind, "metadata": {**named, **metadata}, "spec": spec}
        return self.says("create", "-f", "-", input=json.dumps(body))

    def propose(self, content: Any = None, *, name: str = "", **spec: Any) -> str:
        target = {"kind": "Agent", "name": self.name}
        patch = {"content": content if content is not None else {"spec": {"replicas": 2}}}
        return self.create(
            "Proposal", {"target": target, "patch": patch, "reason": "x", "proposer": self.user, **spec}, name
        )

    def kgents(self, *words: str) -> Done:
        """The command line with a home of its own and its own token."""
        own = {"KGENTS_HOME": str(self.machine.root / "rogue-home"), "KUBECONFIG": str(self.config), "CI": "1"}
        return Machine(self.machine.root, {**self.machine.extra, **own}).run(*words)

    def http(self) -> Http:
        return Http(self.config, self.token)


class Http:
    """HTTPS without a client in between: the path goes out as it is given."""

    def __init__(self, config: Path, token: str) -> None:
        cluster = json.loads(config.read_text())["clusters"][0]["cluster"]
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        where = urlsplit(cluster["server"])
        self._token = token
        self._connection = http.client.HTTPSConnection(str(where.hostname), where.port, context=context, timeout=60)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
        """(status, message)."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        sent = {
            "Content-Type": "application/json",
            **({"Authorization": f"Bearer {self._token}"} if self._token else {}),
        }
        self._connection.request(method, path, body, {**sent, **named})
        answer = self._connection.getresponse()
        said = answer.read()
        try:
            return answer.status, str(json.loads(said).get("message", ""))
        except ValueError:
            return answer.status, said.decode(errors="replace")

    def post(self, path: str, body: Mapping[str, Any]) -> tuple[int, str]:
        return self.ask("POST", path, json.dumps(body).encode())
