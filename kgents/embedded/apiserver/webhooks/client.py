"""The HTTPS client that asks webhooks: bounded in time and size, trusting only what the configuration trusts."""

from __future__ import annotations

import asyncio
import ssl
from functools import lru_cache
from typing import Any

import aiohttp
import orjson
from yarl import URL

from kgents.api.errors import KgentsError
from kgents.embedded.apiserver.api import Api
from kgents.embedded.apiserver.webhooks.compiled import ServiceRef, Webhook

Object = dict[str, Any]
MAX_ANSWER = 8 * 1024 * 1024
MAX_AT_ONCE = 256
MAX_SHOWN = 1024
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


async def post(api: Api, hook: Webhook, body: Object) -> Any:
    """The parsed JSON that the webhook answers. Raises CallFailed."""
    url, server_name = _address(api, hook)
    asked = url.update_query(timeout=f"{hook.timeout}s")
    raw = orjson.dumps(body)
    try:
        async with asyncio.timeout(hook.timeout):
            try:
                status, answer = await _exchange(api, hook, asked, server_name, raw)
            except (aiohttp.ServerDisconnectedError, ConnectionResetError):
                # A connection kept from before, whose other end is gone: a webhook that was restarted.
                status, answer = await _exchange(api, hook, asked, server_name, raw)
    except TimeoutError as error:
        raise CallFailed(f'failed to call webhook: Post "{asked}": context deadline exceeded') from error
    except (aiohttp.ClientError, OSError, ssl.SSLError, ValueError) as error:
        raise CallFailed(f'failed to call webhook: Post "{asked}": {_why(error)}') from error
    if not 200 <= status < 300:
        raise CallFailed(f"failed to call webhook: {_refused(status, answer)}")
    try:
        return orjson.loads(answer)
    except orjson.JSONDecodeError as error:
        raise CallFailed(f"failed to call webhook: the answer is not JSON: {error}") from error


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


def _why(error: Exception) -> str:
    """The trouble itself, without what the client says around it."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return str(error.certificate_error)
    return str(error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error)


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


def _address(api: Api, hook: Webhook) -> tuple[URL, str | None]:
    """Where to connect, and which name the certificate must carry if not that of the URL."""
    service = hook.service
    if service is None:
        try:
            return URL(hook.url), None
        except ValueError as error:
            raise CallFailed(f"failed to call webhook: {error}") from error
    record = api.store.collection("services").get(service.namespace, service.name)
    if record is None:
        raise CallFailed(f'failed to call webhook: service "{service.name}" not found')
    spec = record.parse().get("spec") or {}
    if spec.get("type") == "ExternalName":
        address = str(spec.get("externalName") or "")
    else:
        address = str(spec.get("clusterIP") or "")
    if address in ("", "None"):
        raise CallFailed(f'failed to call webhook: service "{service.name}" has no address')
    if not any(port.get("port") == service.port for port in spec.get("ports") or ()):
        raise CallFailed(f'failed to call webhook: service "{service.name}" has no port {service.port}')
    path, _, query = service.path.partition("?")
    url = URL.build(scheme="https", host=address, port=service.port, path=path, query_string=query)
    return url, _name(service)
