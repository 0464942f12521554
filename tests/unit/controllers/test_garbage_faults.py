"""The collector before a server that does not answer as it should: it deletes nothing."""

from __future__ import annotations

from typing import Any, cast

import pytest

from kgents.api.errors import KgentsError
from kgents.api.kinds import AGENT, DEPLOYMENT
from kgents.embedded.controllers.discovery import Discovered, Resource
from kgents.embedded.controllers.garbage import GarbageCollector, UnknownOwner
from kgents.kube.client import KubeClient
from kgents.kube.errors import ApiError, ApiUnreachable, ObjectNotFound

from .builders import Object

OWNER = {"apiVersion": "kgents.io/v1", "kind": "Agent", "name": "ada", "uid": "a-1"}
CHILD: Object = {
    "metadata": {"name": "ada", "namespace": "lab", "uid": "d-1", "resourceVersion": "5", "ownerReferences": [OWNER]}
}
ABSENT = ObjectNotFound(404, "NotFound", 'agents.kgents.io "ada" not found', details={"name": "ada"})


class Server:
    """Knows the child; answers for its owner as told; remembers what was deleted."""

    def __init__(self, owner: Object | KgentsError) -> None:
        self.owner = owner
        self.deleted: list[str] = []

    async def get(self, kind: Any, name: str, namespace: str | None = None) -> Object:
        if kind != AGENT:
            return CHILD
        if isinstance(self.owner, KgentsError):
            raise self.owner
        return self.owner

    async def delete(self, kind: Any, name: str, *arguments: Any, **options: Any) -> None:
        self.deleted.append(name)

    async def request(self, method: str, path: str) -> Object:
        return {"groups": [], "resources": []}


def collector(server: Server, *, knows_agents: bool = True) -> GarbageCollector:
    made = GarbageCollector(cast(KubeClient, server))
    if knows_agents:
        made.discovered = Discovered((Resource(AGENT, frozenset()),), complete=True)
    return made


async def decide(server: Server, **options: bool) -> list[str]:
    garbage = collector(server, **options)
    garbage.see(DEPLOYMENT, CHILD)
    await garbage.reconcile("d-1")
    return server.deleted


async def test_an_owner_that_is_clearly_absent_takes_its_child_along() -> None:
    assert await decide(Server(ABSENT)) == ["ada"]


async def test_another_object_of_that_name_is_not_the_owner() -> None:
    assert await decide(Server({"metadata": {"name": "ada", "uid": "a-2"}})) == ["ada"]


async def test_an_owner_that_is_there_keeps_its_child() -> None:
    assert await decide(Server({"metadata": {"name": "ada", "uid": "a-1"}})) == []


@pytest.mark.parametrize(
    "answer",
    [
        ObjectNotFound(404, "NotFound", "the server could not find the requested resource"),
        ApiError(500, "InternalError", "no"),
        ApiUnreachable("cannot reach the server"),
    ],
)
async def test_a_lookup_that_fails_deletes_nothing(answer: KgentsError) -> None:
    server = Server(answer)

    with pytest.raises(KgentsError):
        await decide(server)

    assert server.deleted == []


async def test_an_owner_of_a_kind_that_is_not_served_deletes_nothing() -> None:
    server = Server(ABSENT)

    with pytest.raises(UnknownOwner):
        await decide(server, knows_agents=False)

    assert server.deleted == []


async def test_the_end_of_a_watch_is_not_the_end_of_its_objects() -> None:
    server = Server({"metadata": {"name": "ada", "uid": "a-1"}})
    garbage = collector(server)
    owner: Object = {"metadata": {"name": "ada", "namespace": "lab", "uid": "a-1"}}
    garbage.see(AGENT, owner)
    garbage.see(DEPLOYMENT, CHILD)

    garbage.forget(owner)
    await garbage.reconcile("d-1")

    assert server.deleted == []
