"""While nobody registers a judge, judging costs next to nothing."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kgents.embedded.apiserver.judges import MutatingWebhooks, Policies, ValidatingWebhooks
from kgents.embedded.apiserver.registered import Registered
from kgents.embedded.apiserver.store.records import Collection, Event, Record
from tests.unit.admission.reviews import review

SILENT = """
import sys, kgents.embedded.apiserver.server
heavy = ("apiserver.policies", "apiserver.webhooks", "cel_expr_python", "cel_library")
print([name for name in sys.modules if any(one in name for one in heavy)])
"""


class Collections:
    """A store with nothing in it, unless put there."""

    def __init__(self) -> None:
        self.found: dict[str, Collection] = {}

    def collection(self, name: str) -> Collection:
        return self.found.setdefault(name, Collection(name))

    def put(self, name: str, kind: str = "ADDED") -> None:
        collection = self.collection(name)
        record = Record.of(("", "a"), 1, {}, b'{"metadata":{"name":"a"}}')
        event = Event(kind, record, None)
        collection.apply(event)
        for listener in collection.listeners:
            listener(event)


def test_a_server_without_judges_loads_none_of_their_code() -> None:
    done = subprocess.run([sys.executable, "-P", "-c", SILENT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("judge", [MutatingWebhooks(), Policies(), ValidatingWebhooks()])
async def test_a_judge_that_has_nothing_to_go_by_builds_nothing(judge: Any) -> None:
    asked = review(obj={})
    cast("Any", asked.call.api).store = Collections()
    await judge.mutate(asked)
    await judge.validate(asked)
    assert judge._registered._value is None


def test_what_is_registered_is_compiled_once_per_change() -> None:
    store = Collections()
    built: list[int] = []

    def build(objects: list[Any]) -> int:
        built.append(len(objects))
        return len(built)

    api = cast("Any", SimpleNamespace(store=store))
    registered: Registered[int] = Registered(build, "things")
    name = "things.admissionregistration.k8s.io"
    assert registered.idle(api)
    first = [registered.get(api), registered.get(api)]
    store.put(name)
    assert (first, registered.get(api), registered.idle(api), built) == ([1, 1], 2, False, [0, 1])
