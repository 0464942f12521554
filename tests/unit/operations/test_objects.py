"""One object whole: which kinds, and what of it is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kgents.api.errors import NotFound, UsageError
from kgents.api.kinds import KINDS
from kgents.api.operations import objects
from kgents.api.operations.carrying import carry_out
from kgents.api.operations.requests import Call, Get, Request


def ask(send: Callable[[Request], Any], kind: str = "agents", name: str = "scout") -> list[dict[str, Any]]:
    return carry_out(objects.get(Call({"kind": kind, "name": name}, {}, "lab", 0.0)), send)


def kept(request: Request) -> Any:
    assert isinstance(request, Get)
    metadata = {"name": request.name, "namespace": request.namespace, "managedFields": [{"manager": "x"}]}
    return {"kind": request.kind.kind, "metadata": metadata, "spec": {"env": [{"name": "API_TOKEN", "value": "hush"}]}}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
def test_an_object_comes_whole_without_secrets_and_servers_notes(kind: Any) -> None:
    [found] = ask(kept, kind.plural)
    assert found["metadata"] == {"name": "scout", "namespace": "lab"}
    assert (found["kind"], found["spec"]["env"][0]["name"]) == (kind.kind, "API_TOKEN")
    assert "hush" not in str(found)


@pytest.mark.parametrize("kind", ["secrets", "pods", "Agent", "", "x" * 500])
def test_nothing_else_is_ever_asked_for(kind: str) -> None:
    def never(request: Request) -> Any:
        raise AssertionError(f"asked {request}")

    with pytest.raises(UsageError, match="no kind of kgents"):
        ask(never, kind)


@pytest.mark.parametrize(("kind", "word"), [("agents", "agent"), ("pheromones", "signal"), ("memories", "memory")])
def test_what_is_not_there_is_told_in_peoples_words(kind: str, word: str) -> None:
    def missing(request: Request) -> Any:
        raise NotFound("404")

    with pytest.raises(NotFound, match=f"There is no {word} “gone” in the namespace lab"):
        ask(missing, kind, "gone")
