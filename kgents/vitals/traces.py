"""OpenTelemetry's view of what is observed: one span a piece of work, exported as its own variables (OTEL_…) say.

https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from kgents.vitals import observing
from kgents.vitals.observing import ERROR, Work

log = logging.getLogger(__name__)

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def wanted(env: Mapping[str, str]) -> bool:
    """Whether the environment says where traces go, and does not say that they shall not."""
    off = env.get("OTEL_SDK_DISABLED", "").lower() == "true" or env.get("OTEL_TRACES_EXPORTER") == "none"
    return not off and any(env.get(name) for name in _ENDPOINTS)


def begin(service: str, env: Mapping[str, str] = os.environ) -> Callable[[], None]:
    """Traces all work of this process from now on, if that is wanted. Returns what ends it and sends the rest.

    Without the extra it says so and goes on: no trace is worth a hive that stands still.
    """
    if not wanted(env):
        return _nothing
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace import Status, StatusCode
    except ImportError as error:
        log.warning("no traces, though OTEL_… asks for them: %s. Install them: pip install 'kgents[otel]'", error)
        return _nothing
    from kgents import __version__

    name = env.get("OTEL_SERVICE_NAME") or service
    provider = TracerProvider(resource=Resource.create({"service.name": name, "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracer = provider.get_tracer("kgents", __version__)

    @contextmanager
    def watch(work: Work) -> Iterator[None]:
        about = {f"kgents.{key}": value for key, value in work.about.items()}
        with tracer.start_as_current_span(f"{work.what} {work.name}", attributes=about) as span:
            try:
                yield
            finally:
                span.set_attribute("kgents.outcome", work.outcome)
                if work.outcome == ERROR:
                    span.set_status(Status(StatusCode.ERROR))

    observing.watchers.append(watch)

    def end() -> None:
        observing.watchers.remove(watch)
        provider.shutdown()

    return end


def _nothing() -> None:
    """There is nothing to end."""
