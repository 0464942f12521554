"""The hive's own certificate authority and the keys that its processes need.

`ensure` may run at every start: what is there and good stays, what is missing, torn, about to expire, signed by
another authority or short of an address is made anew. Elliptic keys (P-256), because making an RSA key costs
more than the whole start of the server.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kgents.embedded.auth.files import locked, make_private_dir, write_private

KUBELET_CLIENT_NAME = "kube-apiserver-kubelet-client"

_LIFETIME = timedelta(days=3650)
_RENEW_BEFORE = timedelta(days=30)
_SERVER_NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


@dataclass(frozen=True, slots=True)
class Pki:
    """Where each key and certificate of a hive stands."""

    directory: Path

    @property
    def ca_cert(self) -> Path:
        return self.directory / "ca.crt"

    @property
    def ca_key(self) -> Path:
        return self.directory / "ca.key"

    @property
    def apiserver_cert(self) -> Path:
        return self.directory / "apiserver.crt"

    @property
    def apiserver_key(self) -> Path:
        return self.directory / "apiserver.key"

    @property
    def sa_key(self) -> Path:
        return self.directory / "sa.key"

    @property
    def sa_pub(self) -> Path:
        return self.directory / "sa.pub"

    @property
    def kubelet_cert(self) -> Path:
        return self.directory / "kubelet.crt"

    @property
    def kubelet_key(self) -> Path:
        return self.directory / "kubelet.key"

    @property
    def kubelet_client_cert(self) -> Path:
        return self.directory / "kubelet-client.crt"

    @property
    def kubelet_client_key(self) -> Path:
        return self.directory / "kubelet-client.key"


@dataclass(frozen=True, slots=True)
class _Leaf:
    cert: Path
    key: Path
    common_name: str
    organization: str
    names: frozenset[str]
    usage: x509.ObjectIdentifier


def ensure(directory: Path, addresses: Iterable[str] = ()) -> Pki:
    """Make the keys that are missing or unusable in `directory`.

    The servers' certificates cover `addresses` (IPs or names). Raises OSError when the folder cannot be written.
    """
    pki = Pki(Path(directory))
    make_private_dir(pki.directory)
    with locked(pki.directory):
        _ensure_all(pki, frozenset(addresses))
    return pki


def _ensure_all(pki: Pki, addresses: frozenset[str]) -> None:
    loopback = {"127.0.0.1", "::1", "localhost"}
    ca, ca_key = _ensure_ca(pki)
    known = _alt_names(_load_cert(pki.apiserver_cert))
    wanted = frozenset({*_SERVER_NAMES, *loopback, *addresses})
    server = ExtendedKeyUsageOID.SERVER_AUTH
    leaves = (
        _Leaf(pki.apiserver_cert, pki.apiserver_key, "kube-apiserver", "kgents", wanted, server),
        _Leaf(pki.kubelet_cert, pki.kubelet_key, "kubelet", "kgents", frozenset({*loopback, *addresses}), server),
        _Leaf(
            pki.kubelet_client_cert,
            pki.kubelet_client_key,
            KUBELET_CLIENT_NAME,
            "kgents:apiserver",
            frozenset(),
            ExtendedKeyUsageOID.CLIENT_AUTH,
        ),
    )
    for leaf in leaves:
        if not _usable(leaf, ca):
            _issue(leaf, known if leaf.cert == pki.apiserver_cert else frozenset(), ca, ca_key)
    _ensure_service_account_key(pki)


def server_context(pki: Pki) -> ssl.SSLContext:
    """TLS for the API server: client certificates of the hive's authority are accepted, none is required."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki.ca_cert))
    context.load_cert_chain(pki.apiserver_cert, pki.apiserver_key)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def issue_client(pki: Pki, common_name: str, organizations: Iterable[str] = ()) -> tuple[bytes, bytes]:
    """A client certificate of the hive's authority: `(certificate, key)` as PEM."""
    ca, ca_key = _ensure_ca(pki)
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name) for name in organizations]
    subject = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    builder = _builder(subject, ca.subject, key.public_key()).add_extension(usage, critical=False)
    return _pem_cert(builder.sign(ca_key, hashes.SHA256())), _pem_key(key)


def sign_client(pki: Pki, request: x509.CertificateSigningRequest, lifetime: timedelta) -> bytes:
    """A client certificate for somebody else's key, as PEM: its subject and key are those of the request, no more."""
    ca, ca_key = _ensure_ca(pki)
    lasting = min(lifetime, ca.not_valid_after_utc - datetime.now(UTC))
    builder = _builder(request.subject, ca.subject, request.public_key(), lifetime=lasting)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    return _pem_cert(builder.sign(ca_key, hashes.SHA256()))


def _ensure_ca(pki: Pki) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    cert, key = _load_cert(pki.ca_cert), _load_key(pki.ca_key)
    if cert is not None and key is not None and _matches(cert, key) and _lasts(cert):
        return cert, key
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kgents-hive-ca")])
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        _builder(name, name, key.public_key(), ca=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    cert = builder.sign(key, hashes.SHA256())
    write_private(pki.ca_key, _pem_key(key))
    write_private(pki.ca_cert, _pem_cert(cert))
    return cert, key


def _ensure_service_account_key(pki: Pki) -> None:
    key = _load_key(pki.sa_key)
    if key is None:
        key = ec.generate_private_key(ec.SECP256R1())
        write_private(pki.sa_key, _pem_key(key))
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    if not pki.sa_pub.is_file() or pki.sa_pub.read_bytes() != public:
        write_private(pki.sa_pub, public)


def _issue(leaf: _Leaf, also: frozenset[str], ca: x509.Certificate, ca_key: ec.EllipticCurvePrivateKey) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, leaf.organization),
            x509.NameAttribute(NameOID.COMMON_NAME, leaf.common_name),
        ]
    )
    usage = x509.ExtendedKeyUsage([leaf.usage])
    builder = _builder(subject, ca.subject, key.public_key()).add_extension(usage, critical=False)
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    builder = builder.add_extension(issuer_key, critical=False)
    names = leaf.names | also
    if names:
        alternatives = [_general_name(name) for name in sorted(names)]
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    # The key first: a certificate without its key is remade at the next start, never served.
    write_private(leaf.key, _pem_key(key))
    write_private(leaf.cert, _pem_cert(builder.sign(ca_key, hashes.SHA256())))


def _usable(leaf: _Leaf, ca: x509.Certificate) -> bool:
    cert, key = _load_cert(leaf.cert), _load_key(leaf.key)
    if cert is None or key is None or not _matches(cert, key) or not _lasts(cert):
        return False
    try:
        cert.verify_directly_issued_by(ca)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return leaf.names <= _alt_names(cert)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: CertificatePublicKeyTypes,
    *,
    ca: bool = False,
    lifetime: timedelta = _LIFETIME,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + lifetime)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _alt_names(cert: x509.Certificate | None) -> frozenset[str]:
    if cert is None:
        return frozenset()
    try:
        value = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return frozenset()
    addresses = (str(address) for address in value.get_values_for_type(x509.IPAddress))
    return frozenset([*value.get_values_for_type(x509.DNSName), *addresses])


def _lasts(cert: x509.Certificate) -> bool:
    now = datetime.now(UTC)
    return cert.not_valid_before_utc <= now and now + _RENEW_BEFORE < cert.not_valid_after_utc


def _matches(cert: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bool:
    return cert.public_key() == key.public_key()


def _load_cert(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey | None:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _pem_cert(cert: x509.Certificate) -> bytes:
    return cert.public_bytes(serialization.Encoding.PEM)


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
