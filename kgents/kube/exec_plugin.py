"""Exec plugins: what they are told, and what they answer. Whoever runs them, runs them in his own way.

The protocol is ExecCredential of client.authentication.k8s.io
(https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins).
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kgents.api.errors import Refused
from kgents.kube.config import ClusterConfig, ExecPlugin

TIMEOUT = 60.0
EXPIRY_MARGIN = 30.0


@dataclass(slots=True)
class ExecCredential:
    token: str | None = field(default=None, repr=False)
    certificate: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)
    expires: float | None = None

    def is_fresh(self, now: float) -> bool:
        """Whether it holds for a while yet. `now` in seconds since 1970."""
        return self.expires is None or now <= self.expires - EXPIRY_MARGIN


def environment(plugin: ExecPlugin, config: ClusterConfig) -> dict[str, str]:
    """The plugin's environment: ours, its own, and KUBERNETES_EXEC_INFO."""
    spec: dict[str, Any] = {"interactive": False}
    if plugin.provide_cluster_info:
        spec["cluster"] = {"server": config.server, "insecure-skip-tls-verify": config.insecure}
        if config.ca_data:
            spec["cluster"]["certificate-authority-data"] = base64.b64encode(config.ca_data).decode()
    info = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}
    return {**os.environ, **dict(plugin.env), "KUBERNETES_EXEC_INFO": json.dumps(info)}


def not_started(plugin: ExecPlugin, error: OSError) -> Refused:
    return Refused(_what(plugin), why=error.strerror or str(error), fix=plugin.install_hint)


def timed_out(plugin: ExecPlugin) -> Refused:
    return Refused(_what(plugin), why=f"no answer after {TIMEOUT:.0f} s")


def answer(plugin: ExecPlugin, code: int | None, stdout: bytes, stderr: bytes) -> ExecCredential:
    """What it printed. Raises Refused when it failed, or printed something else."""
    if code:
        why = " ".join(stderr.decode(errors="replace").split())[-300:] or f"exit code {code}"
        raise Refused(_what(plugin), why=why, fix=plugin.install_hint)
    try:
        status = json.loads(stdout)["status"]
        expiry = status.get("expirationTimestamp")
        return ExecCredential(
            token=status.get("token") or None,
            certificate=(status.get("clientCertificateData") or "").encode() or None,
            key=(status.get("clientKeyData") or "").encode() or None,
            expires=datetime.fromisoformat(expiry).timestamp() if expiry else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(_what(plugin), why="what it printed is no ExecCredential") from error


def _what(plugin: ExecPlugin) -> str:
    return f"cannot get credentials from `{plugin.command}`"
