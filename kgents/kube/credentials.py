"""Who is asking: tokens, certificates and exec plugins, renewed as they age."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from kgents.api.errors import KgentsError, Refused
from kgents.kube.config import ClusterConfig, ExecPlugin

TOKEN_FILE_PERIOD = 10.0
"""Seconds between looks at a token file: a ServiceAccount's token is replaced in place about every hour."""
EXEC_TIMEOUT = 60.0
EXPIRY_MARGIN = 30.0


@dataclass(slots=True)
class ExecCredential:
    token: str | None = field(default=None, repr=False)
    certificate: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)
    expires: float | None = None


class Credentials:
    """The Authorization header and the client certificate of a ClusterConfig. `clock` is in seconds since 1970."""

    def __init__(self, config: ClusterConfig, clock: Callable[[], float] = time.time) -> None:
        self._config = config
        self._clock = clock
        self._file_token: str | None = None
        self._file_read = float("-inf")
        self._exec: ExecCredential | None = None
        self._lock = asyncio.Lock()

    async def headers(self) -> dict[str, str]:
        """The headers that say who asks: none with a client certificate alone."""
        config = self._config
        if token := (self._read_token_file() if config.token_file else config.token):
            return {"Authorization": f"Bearer {token}"}
        if config.username is not None:
            pair = base64.b64encode(f"{config.username}:{config.password or ''}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        if config.exec is not None:
            credential = await self._exec_credential(config.exec)
            if credential.token:
                return {"Authorization": f"Bearer {credential.token}"}
        return {}

    def renewable(self) -> bool:
        """Whether a 401 may be worth a second try with fresh credentials."""
        return self._config.token_file is not None or self._config.exec is not None

    def invalidate(self) -> None:
        """The server refused what it got: read or run again next time."""
        self._file_read = float("-inf")
        self._exec = None

    async def ssl_context(self) -> ssl.SSLContext | None:
        """The TLS context, with the client's certificate if there is one; None for plain http."""
        if self._config.server.startswith("http://"):
            return None
        certificate, key = self._config.client_cert_data, self._config.client_key_data
        if self._config.exec is not None:
            credential = await self._exec_credential(self._config.exec)
            certificate, key = credential.certificate or certificate, credential.key or key
        return _ssl_context(self._config, certificate, key)

    def _read_token_file(self) -> str | None:
        now = self._clock()
        if now - self._file_read < TOKEN_FILE_PERIOD:
            return self._file_token
        try:
            self._file_token = Path(str(self._config.token_file)).read_text(encoding="utf-8").strip()
        except OSError as error:
            # The old token may hold a while longer: a file that is being replaced is no reason to stop.
            if self._file_token is None:
                why = error.strerror or str(error)
                raise Refused(f"cannot read the token file {self._config.token_file}", why=why) from error
        self._file_read = now
        return self._file_token

    async def _exec_credential(self, plugin: ExecPlugin) -> ExecCredential:
        async with self._lock:
            held = self._exec
            if held is None or (held.expires is not None and self._clock() > held.expires - EXPIRY_MARGIN):
                self._exec = held = await _run_plugin(plugin, self._config)
            return held


def _ssl_context(config: ClusterConfig, certificate: bytes | None, key: bytes | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(
            cafile=None if config.ca_data else config.ca_file,
            cadata=config.ca_data.decode("ascii", "replace") if config.ca_data else None,
        )
        # Clusters' own certificates often lack extensions that RFC 5280 asks for; kubectl does not mind either.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if config.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if certificate and key:
            _load_pair(context, certificate, key)
        elif config.client_cert_file:
            context.load_cert_chain(config.client_cert_file, config.client_key_file)
    except (OSError, ssl.SSLError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise KgentsError(f"the certificates of context {config.context} cannot be used", why=str(why)) from error
    return context


def _load_pair(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """ssl reads files only: the pair passes through one that is private and gone at once."""
    with tempfile.NamedTemporaryFile(prefix="kgents-", suffix=".pem") as pair:
        pair.write(certificate.rstrip() + b"\n" + key)
        pair.flush()
        context.load_cert_chain(pair.name)


async def _run_plugin(plugin: ExecPlugin, config: ClusterConfig) -> ExecCredential:
    what = f"cannot get credentials from `{plugin.command}`"
    spec: dict[str, Any] = {"interactive": False}
    if plugin.provide_cluster_info:
        spec["cluster"] = {"server": config.server, "insecure-skip-tls-verify": config.insecure}
        if config.ca_data:
            spec["cluster"]["certificate-authority-data"] = base64.b64encode(config.ca_data).decode()
    info = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}
    environ = {**os.environ, **dict(plugin.env), "KUBERNETES_EXEC_INFO": json.dumps(info)}
    try:
        process = await asyncio.create_subprocess_exec(
            plugin.command,
            *plugin.args,
            env=environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise Refused(what, why=error.strerror or str(error), fix=plugin.install_hint) from error
    try:
        stdout, stderr = await asyncio.wait_for(process.communicate(), EXEC_TIMEOUT)
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise Refused(what, why=f"no answer after {EXEC_TIMEOUT:.0f} s") from error
    if process.returncode:
        why = " ".join(stderr.decode(errors="replace").split())[-300:] or f"exit code {process.returncode}"
        raise Refused(what, why=why, fix=plugin.install_hint)
    return _parse_credential(stdout, what)


def _parse_credential(stdout: bytes, what: str) -> ExecCredential:
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
        raise Refused(what, why="what it printed is no ExecCredential") from error
