"""Who the hive's own processes and its administrator are: static tokens, and the kubeconfig files that carry them."""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path
from typing import Any

from kgents.api.kinds import HIVE_NAMESPACE
from kgents.files import write_private
from kgents.infra.hive import Hive

ADMIN = "kubernetes-admin"
OPERATORS = f"system:serviceaccount:{HIVE_NAMESPACE}:kgents-operators"


def ensure_tokens(hive: Hive) -> None:
    """Makes the token file and the two kubeconfigs where they are missing. The hive's keys must exist."""
    path = hive.dir / "tokens.json"
    if not path.exists():
        users = [
            {"token": secrets.token_urlsafe(32), "user": ADMIN, "uid": "", "groups": ["system:masters"]},
            {
                "token": secrets.token_urlsafe(32),
                "user": OPERATORS,
                "uid": "",
                "groups": ["system:serviceaccounts", f"system:serviceaccounts:{HIVE_NAMESPACE}"],
            },
        ]
        write_private(path, json.dumps(users, indent=1) + "\n")
    tokens = {entry["user"]: entry["token"] for entry in json.loads(path.read_bytes())}
    write_private(hive.kubeconfig, json.dumps(kubeconfig(hive, tokens[ADMIN]), indent=1) + "\n")
    write_private(hive.operators_kubeconfig, json.dumps(kubeconfig(hive, tokens[OPERATORS]), indent=1) + "\n")


def kubeconfig(hive: Hive, token: str) -> dict[str, Any]:
    """A kubeconfig with the hive's context alone. JSON is YAML, so every client reads it."""
    authority = base64.b64encode(Path(hive.pki / "ca.crt").read_bytes()).decode()
    name = hive.context
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": hive.server, "certificate-authority-data": authority}}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": "default"}}],
    }


def own_kubeconfig(hive: Hive) -> dict[str, Any]:
    """The administrator's kubeconfig of the hive, as it stands on disk."""
    config: dict[str, Any] = json.loads(hive.kubeconfig.read_bytes())
    return config
