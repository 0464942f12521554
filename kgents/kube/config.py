"""Which cluster, and as whom: kubeconfig files as kubectl reads them.

Order: an explicit path, else every file of $KUBECONFIG merged (the first to say something wins), else
~/.kube/config, else the ServiceAccount of the pod that this runs in. No network, no aiohttp; yaml only when a file
is there to read.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kgents.api.errors import KgentsError, NotFound, Unreachable
from kgents.kube.kubeconfig import load_merged, named

SERVICE_ACCOUNT_DIR = "/var/run/secrets/kubernetes.io/serviceaccount"
IN_CLUSTER = "in-cluster"
EXEC_API = "client.authentication.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class ExecPlugin:
    """A program that prints an ExecCredential, as cloud providers' kubeconfigs name one."""

    command: str
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    api_version: str = EXEC_API
    provide_cluster_info: bool = False
    install_hint: str = ""


@dataclass(frozen=True, slots=True)
class ClusterConfig:
    """One context, resolved. File names are absolute; data is decoded PEM. Secrets stay out of the repr."""

    context: str
    server: str
    namespace: str = "default"
    user: str = ""
    ca_file: str | None = None
    ca_data: bytes | None = field(default=None, repr=False)
    insecure: bool = False
    tls_server_name: str | None = None
    token: str | None = field(default=None, repr=False)
    token_file: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    client_cert_file: str | None = None
    client_key_file: str | None = None
    client_cert_data: bytes | None = field(default=None, repr=False)
    client_key_data: bytes | None = field(default=None, repr=False)
    exec: ExecPlugin | None = field(default=None, repr=False)
    impersonate: str | None = None
    """The user to act as (`as` in a kubeconfig); the one who authenticates must be allowed to."""
    impersonate_groups: tuple[str, ...] = ()
    proxy_url: str | None = None

    @property
    def key(self) -> str:
        """What identifies the cluster to a local Cortex: context and server."""
        return f"{self.context}|{self.server}"


def load(
    context: str | None = None,
    *,
    path: str | Path | None = None,
    namespace: str | None = None,
    env: Mapping[str, str] | None = None,
) -> ClusterConfig:
    """The context asked for, or the current one.

    Raises KgentsError for a file that cannot be understood, NotFound for a context, cluster or user that the files
    do not have, Unreachable when there is no kubeconfig at all and this is no pod.
    """
    environ = os.environ if env is None else env
    merged = load_merged(path, environ)
    name = context or str(merged.get("current-context") or "")
    if not name:
        found = None if merged.get("contexts") else in_cluster(environ)
        if found is None:
            raise _no_context(merged)
    else:
        found = _resolve(merged, name)
    return replace(found, namespace=namespace) if namespace else found


def contexts(*, path: str | Path | None = None, env: Mapping[str, str] | None = None) -> list[str]:
    """The names of all contexts, in the order of the files."""
    merged = load_merged(path, os.environ if env is None else env)
    return [str(entry["name"]) for entry in merged["contexts"]]


def current_context(*, path: str | Path | None = None, env: Mapping[str, str] | None = None) -> str | None:
    """The name of the current context, if one is set."""
    return load_merged(path, os.environ if env is None else env).get("current-context") or None


def in_cluster(env: Mapping[str, str]) -> ClusterConfig | None:
    """The pod's own ServiceAccount; None outside of a pod."""
    host, port = env.get("KUBERNETES_SERVICE_HOST"), env.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        return None
    roots = [SERVICE_ACCOUNT_DIR]
    # Where a hive may not mount, a pod finds its mounts below this folder.
    if pod_root := env.get("KGENTS_POD_ROOT"):
        roots.insert(0, f"{pod_root.rstrip('/')}{SERVICE_ACCOUNT_DIR}")
    folder = next((Path(root) for root in roots if (Path(root) / "token").is_file()), None)
    if folder is None:
        return None
    namespace_file, ca_file = folder / "namespace", folder / "ca.crt"
    return ClusterConfig(
        context=IN_CLUSTER,
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        namespace=namespace_file.read_text().strip() if namespace_file.is_file() else "default",
        ca_file=str(ca_file) if ca_file.is_file() else None,
        token_file=str(folder / "token"),
    )


def _no_context(merged: Mapping[str, Any]) -> KgentsError:
    names = [str(entry["name"]) for entry in merged["contexts"]]
    if names:
        return NotFound(
            "no current context",
            why="the kubeconfig sets none",
            fix=f"Choose one with --context: {', '.join(names[:10])}",
        )
    return Unreachable(
        "no cluster is configured",
        why="there is no kubeconfig with a context",
        fix="Run `kgents infra init` for a hive on this machine",
    )


def _resolve(merged: Mapping[str, Any], name: str) -> ClusterConfig:
    entry = named(merged["contexts"], name)
    if entry is None:
        known = ", ".join(str(other["name"]) for other in merged["contexts"][:10])
        raise NotFound(f'no context "{name}" in the kubeconfig', fix=f"There is: {known}" if known else "")
    context = _section(entry, "context", name)
    cluster = _referenced(merged, "clusters", "cluster", context.get("cluster"), name)
    user = _referenced(merged, "users", "user", context.get("user"), name) if context.get("user") else {}
    where = f'context "{name}"'
    return ClusterConfig(
        context=name,
        server=_server(cluster.get("server"), where),
        namespace=str(context.get("namespace") or "default"),
        user=str(context.get("user") or ""),
        ca_file=_text(cluster.get("certificate-authority")),
        ca_data=_decoded(cluster.get("certificate-authority-data"), "certificate-authority-data", where),
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        tls_server_name=_text(cluster.get("tls-server-name")),
        proxy_url=_text(cluster.get("proxy-url")),
        token=_text(user.get("token")),
        token_file=_text(user.get("tokenFile")),
        username=_text(user.get("username")),
        password=_text(user.get("password")),
        client_cert_file=_text(user.get("client-certificate")),
        client_key_file=_text(user.get("client-key")),
        client_cert_data=_decoded(user.get("client-certificate-data"), "client-certificate-data", where),
        client_key_data=_decoded(user.get("client-key-data"), "client-key-data", where),
        exec=_exec_plugin(user.get("exec"), where),
        impersonate=_text(user.get("as")),
        impersonate_groups=tuple(str(group) for group in user.get("as-groups") or ()),
    )


def _section(entry: Mapping[str, Any], key: str, name: str) -> Mapping[str, Any]:
    section = entry.get(key) or {}
    if not isinstance(section, Mapping):
        raise KgentsError("the kubeconfig cannot be used", why=f'"{key}" of "{name}" is not a mapping')
    return section


def _referenced(merged: Mapping[str, Any], group: str, key: str, name: object, context: str) -> Mapping[str, Any]:
    if not name:
        raise KgentsError("the kubeconfig cannot be used", why=f'context "{context}" names no {key}')
    entry = named(merged[group], str(name))
    if entry is None:
        raise NotFound(f'no {key} "{name}" in the kubeconfig', why=f'context "{context}" refers to it')
    return _section(entry, key, str(name))


def _server(value: object, where: str) -> str:
    server = str(value or "")
    if server and "://" not in server:
        server = f"https://{server}"
    server = server.rstrip("/")
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise KgentsError(
            "the kubeconfig cannot be used", why=f'the cluster of {where} has no usable server: "{server}"'
        )
    return server


def _text(value: object) -> str | None:
    return str(value) if value else None


def _decoded(value: object, key: str, where: str) -> bytes | None:
    if not value:
        return None
    try:
        return base64.b64decode(str(value), validate=True)
    except binascii.Error as error:
        raise KgentsError("the kubeconfig cannot be used", why=f"{key} of {where} is not base64") from error


def _exec_plugin(value: object, where: str) -> ExecPlugin | None:
    if not value:
        return None
    if not isinstance(value, Mapping) or not value.get("command"):
        raise KgentsError("the kubeconfig cannot be used", why=f"the exec plugin of {where} names no command")
    return ExecPlugin(
        command=str(value["command"]),
        args=tuple(str(arg) for arg in value.get("args") or ()),
        env=tuple((str(pair["name"]), str(pair.get("value", ""))) for pair in value.get("env") or ()),
        api_version=str(value.get("apiVersion") or EXEC_API),
        provide_cluster_info=bool(value.get("provideClusterInfo")),
        install_hint=str(value.get("installHint") or ""),
    )
