"""A Cortex elsewhere, in a cluster: over TLS, as the user of the kubeconfig's context, by his token.

It is named by --cortex or KGENTS_CORTEX. Whose certificate it must show: that of the authority in --cortex-ca or
KGENTS_CORTEX_CA, under the name that was given; or, without one, of the authority that the hive itself has published
(ConfigMap kgents-cortex-ca), under the name of its Service. The latter is asked of the context's API server, so the
token of one cluster is never shown to the Cortex of another; and any address will do, a forwarded port as well.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgents import files
from kgents.api.errors import KgentsError, NotFound, Refused, UsageError
from kgents.api.kinds import CONFIG_MAP, HIVE_NAMESPACE
from kgents.api.operations.requests import Get
from kgents.glass.answer import NextLayer
from kgents.glass.context import Target
from kgents.glass.cortex import Cortex, Head, channel_options
from kgents.glass.guard import Guard
from kgents.infra.home import cortex_authority_file, private_dir

if TYPE_CHECKING:
    import grpc

    from kgents.kube.credentials import Credentials

ADDRESS, AUTHORITY = "KGENTS_CORTEX", "KGENTS_CORTEX_CA"
NAME = f"kgents-cortex.{HIVE_NAMESPACE}.svc"
PUBLISHED = "kgents-cortex-ca"
PORT = 7443
PATIENCE = 5.0
"""Seconds for connecting, and then between two messages of a read: there is a network, and a cluster to be asked."""


def named(env: Mapping[str, str] = os.environ) -> str:
    """HOST:PORT of the Cortex that is meant instead of the local one, "" for that. Raises UsageError."""
    text = env.get(ADDRESS, "").strip()
    if not text:
        return ""
    host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon:
        host, port = text, str(PORT)
    bare = host.removeprefix("[").removesuffix("]")
    odd = not bare or any(sign.isspace() or sign in "/@?#" or not sign.isprintable() for sign in bare)
    if odd or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise UsageError(f"“{text[:80]}” is no address of a Cortex", fix=f"Say --cortex HOST:PORT, such as …:{PORT}")
    return f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"


class Remote(Cortex):
    """As the local one, for a hive whose Cortex is at `address`. `authority`: the PEM file of whom to trust."""

    is_local = False

    def __init__(self, target: Target, address: str, authority: str = "", patience: float = PATIENCE) -> None:
        super().__init__(target.key, patience)
        self._target, self._address, self._authority = target, address, authority
        self._credentials: Credentials | None = None

    def read(self, path: str, arguments: dict[str, Any], namespace: str) -> tuple[Head, list[bytes]]:
        """The rows. Raises NextLayer when it cannot answer, KgentsError when it says no."""
        token = self._ready()
        with self._channel() as channel:
            self._await_connection(channel)
            message = self._request(path, arguments, namespace)
            call = self._call(channel, "Invoke", token, message, timeout=None)
            guard = Guard(call.cancel, self.patience)
            try:
                return self._collect(guard.watching(call))
            except NextLayer as error:
                raise NextLayer(self._silence()) if guard.gave_up else error from error
            finally:
                guard.end()

    def _ready(self) -> str:
        return self._token()

    def _token(self) -> str:
        """The token of the context's user. Raises Refused when he has none, NextLayer when he acts as another."""
        if self.down:
            raise NextLayer(self.down)
        import asyncio

        if self._credentials is None:
            self._credentials = _credentials(self._target.context)
        # Kept, and asked each time: tokens from files and plugins are renewed while somebody watches.
        header = asyncio.run(self._credentials.headers()).get("Authorization", "")
        scheme, _, token = header.partition(" ")
        if scheme != "Bearer" or not token:
            raise Refused(
                "Cortex knows its callers by their tokens",
                why=f"the user of context {self._target.context} has none; client certificates and passwords are not"
                " passed on",
                fix="Make one (kubectl create token NAME) for a user of the kubeconfig (kubectl config"
                " set-credentials), or leave out --cortex",
            )
        return token

    def _channel(self) -> grpc.Channel:
        import grpc

        options = channel_options()
        if not self._authority:
            options = (*options, ("grpc.ssl_target_name_override", NAME))
        trusted = grpc.ssl_channel_credentials(self._trusted())
        return grpc.secure_channel(self._address, trusted, options=options)

    def _await_connection(self, channel: grpc.Channel) -> None:
        try:
            super()._await_connection(channel)
        except NextLayer as error:
            if not self._authority:
                # Perhaps it has another by now: it is asked for anew next time.
                cortex_authority_file(self.key).unlink(missing_ok=True)
            raise NextLayer(f"{self._address} does not answer as a Cortex that is to be trusted") from error

    def _trusted(self) -> bytes:
        if self._authority:
            try:
                return Path(self._authority).read_bytes()
            except OSError as error:
                raise KgentsError(f"cannot read {self._authority}", why=error.strerror or str(error)) from error
        kept = cortex_authority_file(self.key)
        try:
            return kept.read_bytes()
        except FileNotFoundError:
            found = _published(self._target.context)
            private_dir(kept.parent)
            files.write_private(kept, found, durable=False)
            return found.encode()


def _published(context: str) -> str:
    from kgents.glass.kubectl import find

    try:
        found = find(context).send(Get(CONFIG_MAP, PUBLISHED, HIVE_NAMESPACE))
    except (NotFound, Refused) as error:
        raise NextLayer(f"whom it is to be trusted by is not known: {error}. Give --cortex-ca FILE") from error
    text = (found.get("data") or {}).get("ca.crt")
    if not text:
        raise NextLayer(f"the ConfigMap {PUBLISHED} has no ca.crt. Give --cortex-ca FILE")
    return str(text)


def _credentials(context: str) -> Credentials:
    """Raises NextLayer for a context that acts as somebody else."""
    from kgents.kube import config
    from kgents.kube.credentials import Credentials

    found = config.load(context if context != config.IN_CLUSTER else None)
    if found.impersonate:
        raise NextLayer(f"the context acts as {found.impersonate}, and Cortex would act as who logs in")
    return Credentials(found)
