"""A real HTTPS admission webhook whose answers the test chooses, good and bad ones."""

from __future__ import annotations

import base64
import datetime as dt
import http.server
import ipaddress
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Review = dict[str, Any]
Answer = Callable[[Review], "dict[str, Any] | bytes"]
"""Makes the `response` of a review, or the raw body of the answer."""


def allow(_review: Review) -> dict[str, Any]:
    """Has nothing against it."""
    return {"allowed": True}


def patching(*operations: dict[str, Any], **rest: Any) -> Answer:
    """Answers with a JSON patch, and whatever else is given."""
    patch = base64.b64encode(json.dumps(operations).encode()).decode()
    return lambda _review: {"allowed": True, "patchType": "JSONPatch", "patch": patch, **rest}


class Webhook:
    """Serves until stopped. `received` are (path, AdmissionReview) in order; `released` frees those that hang;
    `drops` is how many questions end without an answer."""

    def __init__(self, directory: Path, names: tuple[str, ...] = (), address: str = "127.0.0.1") -> None:
        self.routes: dict[str, Answer] = {}
        self.status: dict[str, int] = {}
        self.received: list[tuple[str, Review]] = []
        self.released = threading.Event()
        self.drops = 0
        pem = _certificate(directory, ("localhost", *names), address)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        self.server = _Server((address, 0), _handler(self))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.ca = base64.b64encode(pem.read_bytes().partition(b"-----BEGIN CERT")[1] + _tail(pem)).decode()
        self.port = int(self.server.server_address[1])
        self.url = f"https://{address}:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def hang(self, _review: Review) -> dict[str, Any]:
        """Answers only once the test is over."""
        self.released.wait(60)
        return {"allowed": True}

    def paths(self) -> list[str]:
        """Which routes were asked, in order."""
        return [path for path, _ in self.received]

    def stop(self) -> None:
        """Takes no more questions."""
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def serving(directory: Path, names: tuple[str, ...] = (), address: str = "127.0.0.1") -> Iterator[Webhook]:
    """A webhook for the time of a test."""
    hook = Webhook(directory, names, address)
    try:
        yield hook
    finally:
        hook.stop()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that does not trust the certificate is no news."""


def _handler(hook: Webhook) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            path = self.path.partition("?")[0]
            review = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            hook.received.append((path, review))
            if hook.drops:
                hook.drops -= 1
                self.close_connection = True
                return
            answer = hook.routes.get(path, allow)(review)
            data = answer if isinstance(answer, bytes) else _wrapped(review, answer)
            with suppress(OSError):
                self._send(hook.status.get(path, 200), data)

        def _send(self, status: int, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(data)
            self.close_connection = True

        def log_message(self, *args: Any) -> None:
            """Tests need no access log."""

    return Handler


def _wrapped(review: Review, answer: dict[str, Any]) -> bytes:
    response = {"uid": review["request"]["uid"], **answer}
    return json.dumps({"apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": response}).encode()


def _tail(pem: Path) -> bytes:
    return pem.read_bytes().partition(b"-----BEGIN CERT")[2]


def _certificate(directory: Path, names: tuple[str, ...], address: str) -> Path:
    """A self-signed certificate and its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = dt.datetime.now(dt.UTC)
    others = [*(x509.DNSName(one) for one in names), x509.IPAddress(ipaddress.ip_address(address))]
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(others), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    target = directory / "webhook.pem"
    target.write_bytes(secret + built.public_bytes(serialization.Encoding.PEM))
    target.chmod(0o600)
    return target
