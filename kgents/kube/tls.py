"""The TLS context of a ClusterConfig: whom to trust, and the client's own certificate."""

from __future__ import annotations

import ssl
import tempfile

from kgents.api.errors import KgentsError
from kgents.kube.config import ClusterConfig


def context_for(config: ClusterConfig, certificate: bytes | None = None, key: bytes | None = None) -> ssl.SSLContext:
    """The context; `certificate` and `key` (PEM) go before the files that `config` names.

    Raises KgentsError for certificates that cannot be used.
    """
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
