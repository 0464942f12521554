"""Tells the pods by HTTP: one POST of JSON to each, tried a few times."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

log = logging.getLogger(__name__)

TRIES = 4
FIRST_PAUSE = 0.25
LIMIT = aiohttp.ClientTimeout(total=3.0, connect=1.0)


async def post(
    session: aiohttp.ClientSession, url: str, body: Mapping[str, Any], may_act: Callable[[], bool] = lambda: True
) -> bool:
    """Whether the pod took it (any 2xx). A pod that refuses with 4xx is not asked again.

    `may_act`: asked before each try; who leads no longer leaves it to who does.
    """
    pause = FIRST_PAUSE
    for _ in range(TRIES):
        if not may_act():
            return False
        try:
            async with session.post(url, json=body, timeout=LIMIT, allow_redirects=False) as answer:
                if answer.status < 300:
                    return True
                if 400 <= answer.status < 500:
                    log.warning("%s answered %d to a reaction", url, answer.status)
                    return False
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.debug("%s did not take a reaction: %s", url, error)
        await asyncio.sleep(pause)
        pause *= 2
    log.warning("%s did not take a reaction", url)
    return False


def address(pod: Mapping[str, Any], http: Mapping[str, Any], ports: list[Mapping[str, Any]]) -> str | None:
    """The URL at one pod; None while it has no address, or nobody said which port."""
    ip = (pod.get("status") or {}).get("podIP")
    port = http.get("port") or (ports[0]["containerPort"] if ports else None)
    if not ip or not port:
        return None
    host = f"[{ip}]" if ":" in ip else ip
    return f"http://{host}:{port}{http.get('path') or '/'}"
