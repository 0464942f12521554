"""T-gent's key and certificate: made anew at every start, and known to the API server by its registration."""

from __future__ import annotations

import asyncio
import ssl
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE

from kgents.api.errors import KgentsError

_KEY = b"-----BEGIN PRIVATE KEY-----"


@dataclass(frozen=True, slots=True)
class Identity:
    """`certificate` (PEM) is its own authority, and what a registration names as caBundle."""

    certificate: bytes
    key: bytes

    def context(self) -> ssl.SSLContext:
        """For a server. OpenSSL takes keys from files alone: one stands for a moment in a private folder."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory(prefix="kgents-") as folder:
            path = Path(folder) / "identity.pem"
            path.touch(0o600)
            path.write_bytes(self.certificate + self.key)
            made.load_cert_chain(path)
        return made


async def make(address: str) -> Identity:
    """An identity for a server at an IP address or host name. Raises KgentsError when none can be made."""
    command = (sys.executable, "-P", "-m", "operators.tgent.certificate", address)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    made, said = await process.communicate()
    certificate, found, key = made.partition(_KEY)
    if process.returncode or not found:
        raise KgentsError("T-gent's certificate cannot be made", why=said.decode(errors="replace")[-500:].strip())
    return Identity(certificate, found + key)
