"""Who is asking: tokens, certificates and exec plugins, renewed as they age."""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from collections.abc import Callable
from pathlib import Path

from kgents.api.errors import Refused
from kgents.kube import exec_plugin, tls
from kgents.kube.config import ClusterConfig, ExecPlugin

TOKEN_FILE_PERIOD = 10.0
"""Seconds between looks at a token file: a ServiceAccount's token is replaced in place about every hour."""


class Credentials:
    """The Authorization header and the client certificate of a ClusterConfig. `clock` is in seconds since 1970."""

    def __init__(self, config: ClusterConfig, clock: Callable[[], float] = time.time) -> None:
        self._config = config
        self._clock = clock
        self._file_token: str | None = None
        self._file_read = float("-inf")
        self._exec: exec_plugin.ExecCredential | None = None
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
        return tls.context_for(self._config, certificate, key)

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

    async def _exec_credential(self, plugin: ExecPlugin) -> exec_plugin.ExecCredential:
        async with self._lock:
            held = self._exec
            if held is None or not held.is_fresh(self._clock()):
                self._exec = held = await _run_plugin(plugin, self._config)
            return held


async def _run_plugin(plugin: ExecPlugin, config: ClusterConfig) -> exec_plugin.ExecCredential:
    try:
        process = await asyncio.create_subprocess_exec(
            plugin.command,
            *plugin.args,
            env=exec_plugin.environment(plugin, config),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise exec_plugin.not_started(plugin, error) from error
    try:
        async with asyncio.timeout(exec_plugin.TIMEOUT):
            stdout, stderr = await process.communicate()
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise exec_plugin.timed_out(plugin) from error
    return exec_plugin.answer(plugin, process.returncode, stdout, stderr)
