"""The mirror, held against a real API server."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from kgents.api.kinds import CONFIG_MAP
from kgents.kube import config
from kgents.kube import informer as informer_module
from kgents.kube.client import KubeClient
from kgents.kube.informer import Informer
from tests.support import hive
from tests.support.waiting import eventually_async


async def test_the_mirror_follows_what_happens(api: KubeClient, namespace: str) -> None:
    await api.create(CONFIG_MAP, {"metadata": {"name": "before"}}, namespace)
    told: list[tuple[str, str]] = []
    # A cluster's controllers put one of their own into each namespace.
    informer = Informer(api, CONFIG_MAP, namespace, field_selector="metadata.name!=kube-root-ca.crt")
    informer.on_change(lambda event, obj: told.append((event, obj["metadata"]["name"])))
    async with informer:
        await informer.wait_synced()
        await api.create(CONFIG_MAP, {"metadata": {"name": "after"}, "data": {"a": "1"}}, namespace)
        await api.patch(CONFIG_MAP, "after", {"data": {"a": "2"}}, namespace)
        await api.delete(CONFIG_MAP, "before", namespace)

        async def all_told() -> bool:
            return len(told) >= 4

        await eventually_async(all_told)
        assert told == [("ADDED", "before"), ("ADDED", "after"), ("MODIFIED", "after"), ("DELETED", "before")]
        assert informer.store.keys() == {(namespace, "after")}
        assert informer.connected


async def test_a_selector_narrows_the_mirror(api: KubeClient, namespace: str) -> None:
    for name in ("yes", "no"):
        await api.create(CONFIG_MAP, {"metadata": {"name": name, "labels": {"show": name}}}, namespace)
    async with Informer(api, CONFIG_MAP, namespace, label_selector="show=yes") as informer:
        await informer.wait_synced()
        assert informer.store.keys() == {(namespace, "yes")}


@pytest.mark.embedded("kills its own server")
async def test_a_killed_server_costs_the_mirror_nothing(tmp_path: Path) -> None:
    server = hive.start(tmp_path)
    told: list[tuple[str, str]] = []
    async with KubeClient(config.load(path=server.kubeconfig)) as api:
        informer = Informer(api, CONFIG_MAP, "default")
        informer.on_change(lambda event, obj: told.append((event, obj["metadata"]["name"])))
        async with informer:
            await informer.wait_synced()
            await api.create(CONFIG_MAP, {"metadata": {"name": "before"}}, "default")
            await asyncio.to_thread(server.kill)
            server = await asyncio.to_thread(hive.start, tmp_path, port=urlsplit(server.url).port or 0)
            await api.create(CONFIG_MAP, {"metadata": {"name": "after"}}, "default")

            async def all_told() -> bool:
                return [name for _, name in told if name in ("before", "after")] == ["before", "after"]

            await eventually_async(all_told)
    server.stop()


@pytest.mark.embedded("stops its own server")
async def test_a_server_that_hangs_is_noticed_and_forgiven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(informer_module, "HEARTBEAT", 0.5)
    server = await asyncio.to_thread(hive.start, tmp_path)
    async with KubeClient(config.load(path=server.kubeconfig)) as api, Informer(api, CONFIG_MAP) as informer:
        await informer.wait_synced()

        async def connected() -> bool:
            return informer.connected

        async def lost() -> bool:
            return not informer.connected

        server.process.send_signal(signal.SIGSTOP)
        await eventually_async(lost)
        server.process.send_signal(signal.SIGCONT)
        await eventually_async(connected)
    await asyncio.to_thread(server.stop)
