"""The HTTPS client that asks webhooks: bounded in time and size, trusting only what the configuration trusts."""

from __future__ import annotations

import asyncio
import os
import ssl
from functools import lru_cache
from typing import Any

import aiohttp
import orjson
from yarl import URL

from kgents.api.errors import KgentsError
from kgents.embedded.apiserver.api import Api
from kgents.embedded.apiserver.json_errors import go_words
from kgents.embedded.apiserver.webhooks.compiled import ServiceRef, Webhook

Object = dict[str, Any]
MAX_ANSWER = 8 * 1024 * 1024
MAX_AT_ONCE = 256
MAX_SHOWN = 1024
DISTRUST = {
    10: "certificate has expired or is not yet valid",
    9: "certificate has expired or is not yet valid",
    18: "certificate signed by unknown authority",
    19: "certificate signed by unknown authority",
    20: "certificate signed by unknown authority",
    21: "certificate signed by unknown authority",
}
"""OpenSSL's codes of what is wrong with a certificate, in Go's words."""
STATUSES = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    403: "unknown",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    409: "the server reported a conflict",
    422: "the server rejected our request due to an error in our request",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be processing the request",
}


class CallFailed(KgentsError):
    """A webhook could not be asked, or did not answer what it was asked."""


class Unreachable(KgentsError):
    """The Service of a webhook leads nowhere."""


async def post(api: Api, hook: Webhook, body: Object) -> Any:
    """The parsed JSON that the webhook answers. Raises CallFailed."""
    shown = _shown(hook)
    try:
        return await _post(api, hook, body)
    except TimeoutError as error:
        raise CallFailed(f'failed to call webhook: Post "{shown}": context deadline exceeded') from error
    except Unreachable as error:
        raise CallFailed(f'failed to call webhook: Post "{shown}": {error.what}') from error
    except (aiohttp.ClientError, OSError, ssl.SSLError, ValueError) as error:
        raise CallFailed(f'failed to call webhook: Post "{shown}": {told(error)}') from error


async def _post(api: Api, hook: Webhook, body: Object) -> Any:
    url, server_name = _address(api, hook)
    asked = url.update_query(timeout=f"{hook.timeout}s")
    raw = orjson.dumps(body)
    async with asyncio.timeout(hook.timeout):
        try:
            status, answer = await _exchange(api, hook, asked, server_name, raw)
        except (aiohttp.ServerDisconnectedError, ConnectionResetError):
            # A connection kept from before, whose other end is gone: a webhook that was restarted.
            status, answer = await _exchange(api, hook, asked, server_name, raw)
    if not 200 <= status < 300:
        raise CallFailed(f"failed to call webhook: {_refused(status, answer)}")
    try:
        return orjson.loads(answer)
    except orjson.JSONDecodeError as error:
        raise CallFailed(f"failed to call webhook: {go_words(answer, error)}") from error


async def _exchange(api: Api, hook: Webhook, url: URL, server_name: str | None, body: bytes) -> tuple[int, bytes]:
    headers = {"Content-Type": "application/json", "Accept": "application/json", "Host": _host(url, hook)}
    context = _context(hook.ca, server_name)
    async with _session(api).post(
        url, data=body, headers=headers, ssl=context, server_hostname=server_name, allow_redirects=False
    ) as response:
        return response.status, await _read(response)


def _refused(status: int, answer: bytes) -> str:
    """An HTTP status that is no success, as Kubernetes' own client tells it."""
    if status in STATUSES:
        return STATUSES[status]
    if status >= 500:
        shown = orjson.dumps(answer[:MAX_SHOWN].decode(errors="replace").strip() or "unknown").decode()
        return f"an error on the server ({shown}) has prevented the request from succeeding"
    return f"the server responded with the status code {status} but did not return more details"


def told(error: Exception) -> str:
    """The trouble itself, in the words of Go's network libraries as far as they have some for it."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _distrust(error.certificate_error)
    inner = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"dial tcp: lookup {error.host}: no such host"
    if isinstance(inner, ssl.SSLCertVerificationError):
        return _distrust(inner)
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(inner, OSError) and inner.errno:
        words = os.strerror(inner.errno or 0).lower()
        return f"dial tcp {error.host}:{error.port}: connect: {words}"
    if isinstance(inner, aiohttp.ServerDisconnectedError):
        return "EOF"
    return str(inner)


def _distrust(error: Exception) -> str:
    code = getattr(error, "verify_code", 0)
    words = DISTRUST.get(code) or str(getattr(error, "verify_message", "") or error)
    return f"tls: failed to verify certificate: x509: {words}"


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body, as far as anybody should have to hold it."""
    pieces: list[bytes] = []
    size = 0
    async for piece in response.content.iter_any():
        size += len(piece)
        if size > MAX_ANSWER:
            response.close()
            raise CallFailed(f"failed to call webhook: the answer is larger than {MAX_ANSWER} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _session(api: Api) -> aiohttp.ClientSession:
    found: aiohttp.ClientSession | None = api.clients.get("webhooks")
    if found is None:
        found = api.clients["webhooks"] = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MAX_AT_ONCE),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(),
            trust_env=False,
        )
    return found


@lru_cache(maxsize=256)
def _context(ca: str, _server_name: str | None) -> ssl.SSLContext:
    """What to trust. One for each name: connections of different names must not be mixed up in the pool."""
    try:
        return ssl.create_default_context(cadata=ca or None)
    except (ssl.SSLError, ValueError) as error:
        raise CallFailed(f"unable to load root certificates: {error}") from error


def _host(url: URL, hook: Webhook) -> str:
    if hook.service is None:
        return url.authority
    return f"{_name(hook.service)}:{hook.service.port}"


def _name(service: ServiceRef) -> str:
    return f"{service.name}.{service.namespace}.svc"


def _shown(hook: Webhook) -> str:
    """The URL as errors show it: of a Service its name, not its address."""
    service = hook.service
    base = hook.url if service is None else f"https://{_host(URL(), hook)}{service.path}"
    return f"{base}{'&' if '?' in base else '?'}timeout={hook.timeout}s"


def _address(api: Api, hook: Webhook) -> tuple[URL, str | None]:
    """Where to connect, and which name the certificate must carry if not that of the URL. Raises Unreachable."""
    service = hook.service
    if service is None:
        return URL(hook.url), None
    record = api.store.collection("services").get(service.namespace, service.name)
    if record is None:
        raise Unreachable(f'service "{service.name}" not found')
    spec = record.parse().get("spec") or {}
    if spec.get("type") == "ExternalName":
        address = str(spec.get("externalName") or "")
    else:
        address = str(spec.get("clusterIP") or "")
    if address in ("", "None"):
        raise Unreachable(f'service "{service.name}" has no address')
    if not any(port.get("port") == service.port for port in spec.get("ports") or ()):
        raise Unreachable(f'no service port {service.port} found for service "{service.name}"')
    path, _, query = service.path.partition("?")
    url = URL.build(scheme="https", host=address, port=service.port, path=path, query_string=query)
    return url, _name(service)
