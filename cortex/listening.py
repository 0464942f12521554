"""Where Cortex listens in a cluster: TCP with TLS. The certificate is read anew when its files change."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path
from typing import NamedTuple

import grpc
from grpc import aio

from kgents.api.errors import KgentsError

log = logging.getLogger(__name__)

CALLS = 1024
"""Calls and watches at once, of all callers together."""
_OPTIONS = [
    ("grpc.so_reuseport", 0),
    # Who vanished without a word holds nothing for long.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 20_000),
]


class Listen(NamedTuple):
    """HOST:PORT, the PEM files of certificate and key, and whom tokens must be meant for ("": the API server)."""

    host: str
    port: int
    certificate: Path
    key: Path
    audience: str = ""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Pair:
    """Certificate and key, as the files are now: a Secret that is mounted changes when it is renewed."""

    def __init__(self, listen: Listen) -> None:
        self._files = (listen.certificate, listen.key)
        self._stamp: object = None
        self._told = ""

    def credentials(self) -> grpc.ServerCredentials:
        """Raises KgentsError when there is no pair to begin with."""
        try:
            first = self._read()
        except (OSError, ssl.SSLError) as error:
            names = " and ".join(str(path) for path in self._files)
            raise KgentsError(f"Cortex cannot use {names}", why=_why(error)) from error
        return grpc.dynamic_ssl_server_credentials(first, self._changed)  # type: ignore[arg-type]

    def _changed(self) -> grpc.ServerCertificateConfiguration | None:
        """Asked at every handshake. A pair that cannot be used (half of it written, say) leaves the one there was."""
        try:
            if self._stamps() == self._stamp:
                return None
            found = self._read()
        except (OSError, ssl.SSLError) as error:
            if (why := _why(error)) != self._told:
                log.warning("the new certificate %s cannot be used: %s", self._files[0], why)
                self._told = why
            return None
        log.info("the certificate was renewed")
        self._told = ""
        return found

    def _read(self) -> grpc.ServerCertificateConfiguration:
        stamp = self._stamps()
        certificate, key = (path.read_bytes() for path in self._files)
        # grpc takes any two texts and then serves nobody; this looks whether they belong together.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*self._files)
        self._stamp = stamp
        return grpc.ssl_server_certificate_configuration([(key, certificate)])

    def _stamps(self) -> list[tuple[int, int, int]]:
        return [(found.st_ino, found.st_mtime_ns, found.st_size) for found in (path.stat() for path in self._files)]


def tls_server(listen: Listen, interceptor: aio.ServerInterceptor) -> tuple[aio.Server, int]:  # type: ignore[type-arg]
    """The server, not yet started, and its port. Raises KgentsError when it cannot listen."""
    credentials = Pair(listen).credentials()
    server = aio.server(interceptors=[interceptor], options=_OPTIONS, maximum_concurrent_rpcs=CALLS)
    try:
        return server, server.add_secure_port(str(listen), credentials)
    except RuntimeError as error:
        raise KgentsError(f"Cortex cannot listen on {listen}", why=str(error)) from error


def _why(error: OSError | ssl.SSLError) -> str:
    return str(getattr(error, "reason", None) or error.strerror or error)
