"""As whom the SDK asks: the credentials of a ClusterConfig, or an agent's own ServiceAccount; renewed as they age."""

from __future__ import annotations

import base64
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgents.api import times
from kgents.api.errors import Refused
from kgents.kube import exec_plugin, tls
from kgents.kube.config import ClusterConfig, ExecPlugin

if TYPE_CHECKING:
    import ssl

TOKEN_SECONDS = 3600
RENEWED_AFTER = 0.8
"""Of the time that a token holds."""
_TRUST = ("namespace", "ca_file", "ca_data", "insecure", "tls_server_name")


class Login:
    """What `config` says: a token, a file of one, a password, an exec plugin, a certificate; and impersonation.

    Nothing is locked: threads that renew at the same time get two credentials, and either is good.
    """

    def __init__(self, config: ClusterConfig) -> None:
        self.config = config
        self._exec: exec_plugin.ExecCredential | None = None

    def headers(self) -> list[tuple[str, str]]:
        """The headers that say who asks; none with a certificate alone."""
        made = self._authorization()
        if self.config.impersonate:
            made.append(("Impersonate-User", self.config.impersonate))
            made += [("Impersonate-Group", group) for group in self.config.impersonate_groups]
        return made

    def context(self) -> ssl.SSLContext | None:
        """The TLS context of a new connection; None for plain http."""
        if self.config.server.startswith("http://"):
            return None
        certificate, key = self.config.client_cert_data, self.config.client_key_data
        if self.config.exec is not None:
            held = self._credential(self.config.exec)
            certificate, key = held.certificate or certificate, held.key or key
        return tls.context_for(self.config, certificate, key)

    def renew(self) -> bool:
        """The server knew nobody by these: whether asking again may help."""
        self._exec = None
        return self.config.exec is not None or self.config.token_file is not None

    def _authorization(self) -> list[tuple[str, str]]:
        config = self.config
        # Read each time: the kubelet renews a pod's token while it runs.
        if token := _read(config.token_file) if config.token_file else config.token:
            return [("Authorization", f"Bearer {token}")]
        if config.username is not None:
            basic = base64.b64encode(f"{config.username}:{config.password or ''}".encode()).decode()
            return [("Authorization", f"Basic {basic}")]
        if config.exec is not None and (token := self._credential(config.exec).token):
            return [("Authorization", f"Bearer {token}")]
        return []

    def _credential(self, plugin: ExecPlugin) -> exec_plugin.ExecCredential:
        held = self._exec
        if held is None or not held.is_fresh(time.time()):
            self._exec = held = _run(plugin, self.config)
        return held


class AccountLogin(Login):
    """As a ServiceAccount, with tokens of an hour. `ask` takes the seconds and returns the answered TokenRequest."""

    def __init__(self, config: ClusterConfig, ask: Callable[[int], Any]) -> None:
        # Not with the certificate of the person who asks for the tokens: the server would take this for him.
        super().__init__(
            ClusterConfig(config.context, config.server, **{name: getattr(config, name) for name in _TRUST})
        )
        self._ask = ask
        self._token, self._renew_at = "", 0.0

    def headers(self) -> list[tuple[str, str]]:
        if time.time() >= self._renew_at:
            status = self._ask(TOKEN_SECONDS)["status"]
            now = time.time()
            expires = times.parse(status.get("expirationTimestamp")) or now + TOKEN_SECONDS
            self._token, self._renew_at = str(status["token"]), now + RENEWED_AFTER * (expires - now)
        return [("Authorization", f"Bearer {self._token}")]

    def renew(self) -> bool:
        self._renew_at = 0.0
        return True


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Refused(f"cannot read the token file {path}", why=error.strerror or str(error)) from error


def _run(plugin: ExecPlugin, config: ClusterConfig) -> exec_plugin.ExecCredential:
    try:
        done = subprocess.run(
            [plugin.command, *plugin.args],
            env=exec_plugin.environment(plugin, config),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=exec_plugin.TIMEOUT,
            check=False,
        )
    except OSError as error:
        raise exec_plugin.not_started(plugin, error) from error
    except subprocess.TimeoutExpired as error:
        raise exec_plugin.timed_out(plugin) from error
    return exec_plugin.answer(plugin, done.returncode, done.stdout, done.stderr)
