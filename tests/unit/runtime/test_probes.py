"""Counting outcomes, and ports by name."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from kgents.embedded.runtime.handlers import Handler
from kgents.embedded.runtime.probes import Prober, Row


def _prober(container: dict[str, Any], wake: asyncio.Event | None = None) -> Prober:
    handler = Handler(container, "127.0.0.1", 1, Path("none"))
    return Prober(container, handler, (wake or asyncio.Event()).set)


def test_a_row_begins_anew_with_another_outcome() -> None:
    row = Row()
    assert [row.add(good) for good in (False, False, True, True, True, False)] == [1, 2, 1, 2, 3, 1]


async def test_without_probes_it_is_ready_from_the_beginning() -> None:
    prober = _prober({})
    prober.begin()
    assert prober.health.ready
    assert prober.health.started


async def test_with_a_startup_probe_it_is_neither() -> None:
    prober = _prober({"startupProbe": {"tcpSocket": {"port": 1}, "initialDelaySeconds": 60}})
    prober.begin()
    assert not prober.health.ready
    assert not prober.health.started
    await prober.end()


async def test_whoever_accepts_is_ready_by_the_name_of_its_port() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    ports = [{"name": "web", "containerPort": server.sockets[0].getsockname()[1]}]
    wake = asyncio.Event()
    prober = _prober({"ports": ports, "readinessProbe": {"tcpSocket": {"port": "web"}}}, wake)
    prober.begin()
    await asyncio.wait_for(wake.wait(), 30)
    assert prober.health.ready
    await prober.end()
    server.close()


async def test_a_header_that_cannot_be_sent_is_a_failure_with_a_reason() -> None:
    asked = {"port": 1, "httpHeaders": [{"name": "X", "value": "a\r\nb"}]}
    prober, wake = _prober({}), asyncio.Event()
    prober = _prober({"livenessProbe": {"httpGet": asked, "failureThreshold": 1}}, wake)
    prober.begin()
    await asyncio.wait_for(wake.wait(), 30)
    assert prober.health.sick is not None and prober.health.sick[0] == "liveness"
    await prober.end()
