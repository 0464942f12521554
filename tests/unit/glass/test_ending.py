"""Who reads something endless and silent can be told that it is enough, whichever layer it is read from."""

from __future__ import annotations

import asyncio
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kgents.glass import direct
from kgents.glass.cortex import Cortex
from kgents.glass.direct import Direct
from kgents.glass.ending import Ending
from kgents.glass.kubectl import Kubectl
from tests.support.waiting import eventually
from tests.unit.glass.conftest import TARGET
from tests.unit.glass.fake_cortex import FakeCortex


class Reader:
    """Reads in a thread until it ends, and keeps what breaks it."""

    def __init__(self, read: Callable[[Ending], Iterator[Any]]) -> None:
        self.ending = Ending()
        self.heard: list[Any] = []
        self.broken: list[BaseException] = []
        self._read = read
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            for one in self._read(self.ending):
                self.heard.append(one)
        except BaseException as error:  # noqa: BLE001 -- the test looks at whatever it was
            self.broken.append(error)


def ends(read: Callable[[Ending], Iterator[Any]]) -> None:
    reader = Reader(read)
    eventually(lambda: reader.heard or not reader.thread.is_alive())
    assert (len(reader.heard), reader.broken, reader.thread.is_alive()) == (1, [], True)
    reader.ending.end()
    eventually(lambda: not reader.thread.is_alive())
    assert reader.broken == []
    late = Reader(read)
    late.ending.end()
    eventually(lambda: not late.thread.is_alive())
    assert late.broken == []


def test_a_silent_watch_of_cortex(cortex: FakeCortex) -> None:
    cortex.events, cortex.hangs = [("ADDED", {"line": "one"})], True
    ends(lambda ending: Cortex(TARGET.key, patience=20).watch("a.b", {}, "", ending=ending))


def test_a_silent_log_of_kubectl(tmp_path: Path) -> None:
    binary = tmp_path / "kubectl"
    binary.write_text(
        '#!/bin/sh\ncase "$*" in *follow*) echo one; exec sleep 600; esac\necho \'{"metadata":{"name":"scout"}}\'\n'
    )
    binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
    kubectl = Kubectl("lab", str(binary), patience=20)
    ends(lambda ending: kubectl.logs("scout", "lab", tail=5, follow=True, ending=ending))


def test_a_silent_log_of_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        async def __aenter__(self) -> Client:
            return self

        async def __aexit__(self, *_: object) -> None: ...

        async def get(self, *_: Any, **__: Any) -> dict[str, Any]:
            return {"metadata": {"name": "scout"}}

        async def list(self, *_: Any, **__: Any) -> dict[str, Any]:
            return {"items": [{"metadata": {"name": "scout-1"}}]}

        async def logs(self, *_: Any, **__: Any) -> Any:
            yield "one"
            await asyncio.Event().wait()

    monkeypatch.setattr(direct, "KubeClient", lambda *_, **__: Client())
    monkeypatch.setattr(direct.kubeconfig, "load", lambda context: context)
    ends(lambda ending: Direct("lab").logs("scout", "lab", tail=5, follow=True, ending=ending))
