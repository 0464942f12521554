"""Pod logs: asked of the node's kubelet endpoint and passed through."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import ssl
from typing import Any
from urllib.parse import quote

import aiohttp
from aiohttp import web

from kgents.embedded.apiserver.calls import Answer, Call
from kgents.embedded.apiserver.errors import StatusError, bad_request, method_not_allowed
from kgents.embedded.apiserver.errors import invalid as invalid_object
from kgents.embedded.apiserver.patch import current
from kgents.embedded.schema.causes import Cause, forbidden, invalid

log = logging.getLogger(__name__)
PASSED = ("follow", "tailLines", "sinceSeconds", "sinceTime", "timestamps", "limitBytes", "previous")
LEAST = {"tailLines": 0, "limitBytes": 1, "sinceSeconds": 1}
PATIENCE = 2.0
"""Seconds after which a silent log is looked at anew: its reader may have gone."""


async def proxy(call: Call, request: web.BaseRequest) -> web.StreamResponse | Answer:
    """Streams a container's log. Raises 400, 404, 422, 502."""
    if call.info.verb != "get":
        raise method_not_allowed()
    _check(call)
    pod = current(call)
    container = _container(call, pod)
    host, port = _endpoint(call, pod)
    path = "/".join(quote(part, safe="") for part in (call.namespace, call.info.name, container))
    query = {key: call.info.query[key] for key in PASSED if key in call.info.query}
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
    connector = aiohttp.TCPConnector(ssl=_tls(call))
    url = f"https://{host}:{port}/containerLogs/{path}"
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.get(url, params=query) as upstream,
        ):
            if upstream.status != 200:
                text = (await upstream.text()).strip()
                raise StatusError(upstream.status, _reason(upstream.status), text)
            return await _pass(call, request, upstream)
    except aiohttp.ClientError as error:
        raise StatusError(
            502, "BadGateway", f"Get {url}: the node's log endpoint cannot be reached: {error}"
        ) from error


def _check(call: Call) -> None:
    """The options, in Kubernetes' order and words: what is no number is 400, what is out of range 422."""
    query = call.info.query
    numbers = {name: _integer(query[name]) for name in LEAST if query.get(name)}
    causes: list[Cause] = []
    for name, number in numbers.items():
        if number < LEAST[name]:
            than = "greater than 0" if LEAST[name] else "greater than or equal to 0"
            causes.append(invalid(name, number, f"must be {than}"))
    if query.get("sinceSeconds") and query.get("sinceTime"):
        causes.append(forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be specified"))
    if causes:
        raise invalid_object("", "PodLogOptions", call.info.name, causes)


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text, re.ASCII):
        raise bad_request(f"strconv.ParseInt: parsing {json.dumps(text[:64])}: invalid syntax")
    if len(text) > 20 or not -(2**63) <= int(text) < 2**63:
        raise bad_request(f"strconv.ParseInt: parsing {json.dumps(text[:64])}: value out of range")
    return int(text)


async def _pass(call: Call, request: web.BaseRequest, upstream: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain", "Cache-Control": "no-cache, private"})
    await response.prepare(request)
    stopping = asyncio.create_task(call.api.stopping.wait())
    try:
        while True:
            reading = asyncio.create_task(upstream.content.readany())
            while not (reading.done() or stopping.done() or _has_gone(request)):
                await asyncio.wait((reading, stopping), timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                reading.cancel()
                break
            chunk = reading.result()
            if not chunk:
                break
            await response.write(chunk)
        await response.write_eof()
    except ConnectionResetError:
        log.debug("The reader of a log has gone")
    finally:
        stopping.cancel()
    return response


def _has_gone(request: web.BaseRequest) -> bool:
    return request.transport is None or request.transport.is_closing()


def _reason(code: int) -> str:
    return {400: "BadRequest", 404: "NotFound", 401: "Unauthorized", 403: "Forbidden"}.get(code, "InternalError")


def _container(call: Call, pod: dict[str, Any]) -> str:
    spec = pod["spec"]
    names = [one["name"] for key in ("containers", "initContainers") for one in spec.get(key) or []]
    asked = call.info.query.get("container", "")
    if asked and asked not in names:
        raise bad_request(f"container {asked} is not valid for pod {call.info.name}")
    main = [one["name"] for one in spec.get("containers") or []]
    default = (pod["metadata"].get("annotations") or {}).get("kubectl.kubernetes.io/default-container")
    if not asked and len(main) > 1 and default not in main:
        listed = " ".join(main)
        raise bad_request(f"a container name must be specified for pod {call.info.name}, choose one of: [{listed}]")
    return str(asked or (default if default in main else main[0]))


def _endpoint(call: Call, pod: dict[str, Any]) -> tuple[str, int]:
    name = pod["spec"].get("nodeName")
    if not name:
        raise bad_request(f"pod {call.info.name} does not have a host assigned")
    node = call.api.lookup("nodes", "", name)
    status = (node or {}).get("status") or {}
    address = next((one["address"] for one in status.get("addresses") or [] if one["type"] == "InternalIP"), None)
    port = ((status.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}).get("Port")
    if address is None or port is None:
        raise StatusError(502, "BadGateway", f"the node {name} does not say where its logs are served")
    return address, int(port)


def _tls(call: Call) -> ssl.SSLContext:
    pki = call.api.pki
    context = ssl.create_default_context(cafile=str(pki.ca_cert))
    context.load_cert_chain(str(pki.kubelet_client_cert), str(pki.kubelet_client_key))
    # The node's certificate is the hive's own; its address is the node's business.
    context.check_hostname = False
    return context
