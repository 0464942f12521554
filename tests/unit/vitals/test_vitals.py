"""What a process tells of itself, asked over HTTP as a kubelet, Prometheus and a collector do."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from kgents.api.errors import KgentsError
from kgents.kube.queue import Controller
from kgents.vitals import observing, traces
from kgents.vitals.observing import observed
from kgents.vitals.serving import Address, Options, address, serving
from tests.support.waiting import eventually_async


def free() -> Address:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return "127.0.0.1", int(probe.getsockname()[1])


async def get(where: Address, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://{where[0]}:{where[1]}{path}") as answer:
        return answer.status, await answer.text()


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[str]]:
    """An OpenTelemetry collector: the names and outcomes of the spans that it was sent."""
    spans: list[str] = []

    async def take(request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest.FromString(await request.read())
        for resource in sent.resource_spans:
            service = next(one.value.string_value for one in resource.resource.attributes if one.key == "service.name")
            for span in resource.scope_spans[0].spans:
                about = {one.key: one.value.string_value for one in span.attributes}
                spans.append(f"{service}: {span.name} {about['kgents.outcome']}")
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/v1/traces", take)])
    runner = web.AppRunner(app)
    await runner.setup()
    host, port = free()
    await web.TCPSite(runner, host, port).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{host}:{port}")
    yield spans
    await runner.cleanup()


async def test_who_lives_says_so_and_who_is_not_ready_says_why() -> None:
    where, why = free(), ["the mirror is being read"]

    async with serving("x", Options(health=where), lambda: why[0]):
        assert await get(where, "/healthz") == (200, "ok\n")
        assert await get(where, "/readyz") == (503, "the mirror is being read\n")
        why[0] = ""
        assert await get(where, "/readyz") == (200, "ok\n")


async def test_what_a_controller_does_is_counted_by_outcome() -> None:
    where = free()
    done = asyncio.Event()

    async def reconcile(key: tuple[str, str]) -> None:
        if key[1] == "bad":
            done.set()
            raise KgentsError("no")

    async with serving("x", Options(metrics=where), lambda: ""), Controller("tested", reconcile, 1) as controller:
        controller.enqueue(("space", "good"))
        controller.enqueue(("space", "bad"))
        await done.wait()
        status, text = await get(where, "/metrics")

    assert status == 200
    told = {
        (one.name, one.labels.get("name") or one.labels.get("controller"), one.labels.get("outcome")): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }
    assert told["kgents_work_total", "tested", "ok"] == 1.0
    assert told["kgents_work_total", "tested", "error"] >= 1.0
    assert told["kgents_work_duration_seconds_count", "tested", None] >= 2.0
    assert ("kgents_queue_depth", "tested", None) in told


async def test_names_that_nobody_may_choose_do_not_become_labels() -> None:
    where = free()
    async with serving("x", Options(metrics=where), lambda: ""):
        with observed("invoke", "agents.list", namespace='"} 1\n# HELP evil'):
            pass
        assert "evil" not in (await get(where, "/metrics"))[1]


async def test_nothing_is_watched_once_it_is_closed() -> None:
    async with serving("x", Options(metrics=free()), lambda: ""):
        assert len(observing.watchers) == 1
    assert observing.watchers == []


async def test_a_taken_address_is_told_in_one_line() -> None:
    where = free()
    async with serving("x", Options(health=where), lambda: ""):
        with pytest.raises(KgentsError, match=f"cannot listen on {where[0]}:{where[1]}"):
            async with serving("y", Options(health=where), lambda: ""):
                raise AssertionError("it listens")


async def test_work_becomes_spans_where_the_environment_asks_for_them(collector: list[str]) -> None:
    async with serving("kgents-test", Options(), lambda: ""):
        with observed("review", "proposals") as work:
            work.outcome = "refused"
        with pytest.raises(KgentsError), observed("reconcile", "agent", key="space/name"):
            raise KgentsError("no")
        ending = asyncio.to_thread(lambda: None)
        await ending

    async def both() -> bool:
        return len(collector) == 2

    await eventually_async(both)
    assert collector == ["kgents-test: review proposals refused", "kgents-test: reconcile agent error"]


def test_without_the_extra_it_says_how_to_get_it_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)

    with caplog.at_level(logging.WARNING):
        traces.begin("x", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"})()

    assert "pip install 'kgents[otel]'" in caplog.text
    assert observing.watchers == []


@pytest.mark.parametrize(
    "env", [{}, {"OTEL_SERVICE_NAME": "x"}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}]
)
def test_nobody_is_traced_unasked(env: dict[str, str]) -> None:
    assert not traces.wanted(env)


def test_an_address_of_ipv6_has_brackets_or_none() -> None:
    assert address("[::1]:8081") == address("::1:8081") == ("::1", 8081)
