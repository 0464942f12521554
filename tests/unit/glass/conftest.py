"""A home of its own for every test, and a glass whose layers the test holds in its hands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kgents.api.operations.requests import Create, List, Patch, Request, WhoAmI
from kgents.glass.answer import NextLayer
from kgents.glass.context import Target
from kgents.glass.cortex import Cortex
from kgents.glass.ghost import ghost_of
from kgents.glass.look import Glass
from tests.unit.glass.fake_cortex import FakeCortex, serving

TARGET = Target("kgents-test", "https://127.0.0.9:6443")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KGENTS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


class FakeApi:
    """The third layer: objects by plural, or silence."""

    def __init__(self) -> None:
        self.objects: dict[str, list[dict[str, Any]]] = {}
        self.silent = ""
        self.calls: list[str] = []

    def _called(self, what: str) -> None:
        self.calls.append(what)
        if self.silent:
            raise NextLayer(self.silent)

    def send(self, request: Request) -> Any:
        match request:
            case List(kind, _):
                self._called(f"list {kind.plural}")
                return self.objects.get(kind.plural, [])
            case Patch(_, name, content, namespace):
                self._called(f"patch {name}")
                return {"metadata": {"name": name, "namespace": namespace}, **content}
            case Create(kind, obj, namespace):
                self._called(f"create {kind.plural}")
                return {**obj, "metadata": {**obj["metadata"], "namespace": namespace}}
            case _:
                self._called(type(request).__name__.lower())
                return "ann" if isinstance(request, WhoAmI) else {}


class World:
    """A glass with a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.api = FakeApi()
        self.warnings: list[str] = []
        self.woken: list[Target] = []
        self.ghost = ghost_of(TARGET.key, self.warnings.append)
        cortex = Cortex(TARGET.key, patience=10.0)
        self.glass = Glass(TARGET, cortex, self.ghost, lambda: self.api, lambda: self.now, self.woken.append)

    def remember(self, *names: str, age: float = 0.0) -> None:
        rows = [{"name": name, "namespace": "default", "phase": "Running", "ageSeconds": 1.0} for name in names]
        self.ghost.write("agents/_index.json", rows, now=self.now - age)


@pytest.fixture
def world(home: Path) -> World:
    return World()


@pytest.fixture
def cortex(home: Path) -> Iterator[FakeCortex]:
    with serving(TARGET.key, FakeCortex()) as fake:
        yield fake
