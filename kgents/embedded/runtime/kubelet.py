"""The node's own endpoint: the API server asks it for the logs of containers, as it asks a kubelet.

Only the API server may: the client's certificate must be of the hive's authority and bear the API server's name.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import ssl
import time
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from kgents.api import times
from kgents.embedded.runtime.cri import Options, read
from kgents.embedded.runtime.logfolders import Find, NoLog, has_ended, log_folder

log = logging.getLogger(__name__)
PORT = 10250
CLIENT = "kube-apiserver-kubelet-client"
RETRY = 2.0
FAREWELL = 0.2
"""Seconds that readers of logs have to go when the runtime stops."""


async def serve(
    root: Path, pki: Path, address: str, port: int = PORT, *, find: Find, stop: asyncio.Event, retry: float = RETRY
) -> None:
    """Answer on https://address:port until `stop`. Where that is not possible yet, it says so and tries again."""
    told = ""
    while not stop.is_set():
        try:
            runner = await _start(root, tls(pki), address, port, find)
        except OSError as error:
            trouble = f"{error.strerror or error}"
            if trouble != told:
                log.error("Pods' logs cannot be served on %s:%s yet: %s. Trying again.", address, port, trouble)
            told = trouble
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(retry):
                    await stop.wait()
            continue
        log.info("Pods' logs are served on https://%s:%s", address, port)
        try:
            await stop.wait()
        finally:
            await runner.cleanup()


def tls(pki: Path) -> ssl.SSLContext:
    """A server's side of TLS that asks for a certificate of the hive. Raises OSError while the keys are not there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pki / "kubelet.crt", pki / "kubelet.key")
    context.load_verify_locations(cafile=pki / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def _start(root: Path, context: ssl.SSLContext, address: str, port: int, find: Find) -> web.AppRunner:
    endpoint = Endpoint(root, find)
    app = web.Application(middlewares=[only_the_api_server])
    app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", endpoint.logs)
    for verb in ("exec", "attach", "portForward", "run"):
        app.router.add_route("*", f"/{verb}/{{rest:.*}}", not_here)
    # A reader that goes ends its handler, though the log says nothing.
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=FAREWELL)
    await runner.setup()
    try:
        await web.TCPSite(runner, address, port, ssl_context=context).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


@web.middleware
async def only_the_api_server(request: web.Request, handler: web.Handler) -> web.StreamResponse:  # type: ignore[name-defined]
    """Answers 403 to every other client, though the hive knows it."""
    certificate = request.transport.get_extra_info("peercert") if request.transport else None
    subject = {key: value for part in (certificate or {}).get("subject", ()) for key, value in part}
    if subject.get("commonName") != CLIENT:
        return web.Response(status=403, text="only the API server may ask\n")
    answer: web.StreamResponse = await handler(request)
    return answer


async def not_here(request: web.Request) -> web.Response:
    """exec, attach and port-forward: a pod's program is a process of this machine, and its address is local."""
    verb = request.path.split("/")[1]
    text = f"{verb} is not supported by this node: its pods are processes of the machine, on local addresses\n"
    return web.Response(status=501, text=text)


class Endpoint:
    """The logs below `root`/pods."""

    def __init__(self, root: Path, find: Find) -> None:
        self.root, self.find = root, find

    async def logs(self, request: web.Request) -> web.StreamResponse:
        """One container's log as plain text, 400 or 404 with one line that says why not."""
        namespace, pod, container = (request.match_info[key] for key in ("namespace", "pod", "container"))
        try:
            wanted = options(request.query, time.time())
            previous = _flag(request.query, "previous")
            folder = log_folder(self.root, namespace, pod, container, previous=previous, find=self.find)
        except NoLog as error:
            return web.Response(status=error.status, text=f"{error.what}\n")
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        try:
            async with contextlib.aclosing(read(folder, wanted, lambda: has_ended(folder))) as chunks:
                async for chunk in chunks:
                    if chunk:
                        await response.write(chunk)
            await response.write_eof()
        except ConnectionResetError:
            log.debug("The reader of the log of %s/%s has gone", namespace, pod)
        return response


def options(query: Mapping[str, str], now: float) -> Options:
    """The query of a request for logs. Raises NoLog(400)."""
    seconds, since = _number(query, "sinceSeconds", 1), query.get("sinceTime")
    if seconds is not None and since:
        raise NoLog(400, "at most one of `sinceTime` or `sinceSeconds` may be specified")
    moment = now - seconds if seconds is not None else None
    if since:
        moment = times.parse(since)
        if moment is None:
            raise NoLog(400, f'sinceTime: Invalid value: "{since}": must be a time as in RFC 3339')
    return Options(
        follow=_flag(query, "follow"),
        tail=_number(query, "tailLines", 0),
        since=b"" if moment is None else times.to_micro_text(moment).replace("Z", "000Z").encode(),
        timestamps=_flag(query, "timestamps"),
        limit=_number(query, "limitBytes", 1),
    )


def _number(query: Mapping[str, str], name: str, least: int) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text, re.ASCII):
        raise NoLog(400, f'{name}: Invalid value: "{text}": must be an integer')
    number = int(text)
    if number < least:
        than = "greater than 0" if least else "greater than or equal to 0"
        raise NoLog(400, f"{name}: Invalid value: {number}: must be {than}")
    return number


def _flag(query: Mapping[str, str], name: str) -> bool:
    text = query.get(name, "")
    if text.lower() not in ("", "0", "1", "f", "t", "false", "true"):
        raise NoLog(400, f'{name}: Invalid value: "{text}": must be true or false')
    return text.lower() in ("1", "t", "true")
