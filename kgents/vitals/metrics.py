"""Prometheus' view of what is observed: https://prometheus.io/docs/practices/naming/"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from kgents import __version__
from kgents.vitals import observing
from kgents.vitals.observing import Work

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LABELS = ("what", "name", "outcome")


class Metrics:
    """Counts and times all work of this process from now on."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._done = Counter("kgents_work", "Pieces of work that were done.", _LABELS, registry=self._registry)
        self._took = Histogram(
            "kgents_work_duration_seconds", "How long a piece of work took.", _LABELS[:2], registry=self._registry
        )
        self._registry.register(_Readings())
        observing.watchers.append(self._watch)

    def text(self) -> bytes:
        """All of it, as Prometheus scrapes it."""
        return generate_latest(self._registry)

    def close(self) -> None:
        """Watches no more."""
        observing.watchers.remove(self._watch)

    @contextmanager
    def _watch(self, work: Work) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self._took.labels(work.what, work.name).observe(time.perf_counter() - began)
            self._done.labels(work.what, work.name, work.outcome).inc()


class _Readings:
    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        build = GaugeMetricFamily("kgents_build_info", "The version that runs.", labels=["version"])
        build.add_metric([__version__], 1.0)
        yield build
        for one in list(observing.readings.values()):
            family = GaugeMetricFamily(one.name, one.help, labels=[one.label] if one.label else [])
            for label, value in one.read():
                family.add_metric([label] if one.label else [], value)
            yield family
