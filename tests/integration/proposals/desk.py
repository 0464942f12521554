"""The proposal operator without its loops: the test calls each step, kills it in between, and says how agents are."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from kgents.api.kinds import AGENT, PROPOSAL
from kgents.kube import config
from kgents.kube.client import KubeClient
from operators.events import Recorder
from operators.proposal.books import Books
from operators.proposal.controller import MERGER
from operators.proposal.journal import Journal
from operators.proposal.machine import Machine
from operators.proposal.reviewers import Reviewer
from operators.proposal.shelf import Shelf, phase_of
from operators.proposal.targets import Targets
from tests.support.hive import HiveApi

Object = dict[str, Any]
OWN = "system:serviceaccount:kgents-system:kgents-operators"
ADMIN = {"token": "admin-token-of-the-tests", "user": "kubernetes-admin", "uid": "", "groups": ["system:masters"]}
OPERATORS = {"token": "operators-token-of-the-tests", "user": OWN, "uid": "", "groups": ["system:serviceaccounts"]}
STEPS = 60
_numbers = itertools.count(1)


class Killed(BaseException):
    """The process is gone, in the middle of whatever it did."""


class Desk:
    """One operator at work. `clock` can be moved; `writes_left` is how many writes it lives to make."""

    def __init__(self, admin: KubeClient, api: KubeClient, merger: KubeClient) -> None:
        self.admin, self._api, self._merger = admin, api, merger
        self.who = f"ann-{next(_numbers)}"
        self.ahead = 0.0
        self.reviewers: Sequence[Reviewer] = ()
        self.writes_left: int | None = None
        self.die_after_writing = False

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, hall: HiveApi) -> AsyncIterator[Desk]:
        admin = config.load(path=hall.kubeconfig)
        own = dataclasses.replace(admin, token=OPERATORS["token"])
        merging = dataclasses.replace(own, impersonate=MERGER)
        async with KubeClient(admin) as first, KubeClient(own) as second, KubeClient(merging) as third:
            made = cls(first, second, third)
            for client in (second, third):
                made._make_mortal(client)
            yield made

    def now(self) -> float:
        return time.time() + self.ahead

    async def agent(self, **spec: Any) -> str:
        """A running agent of a new name."""
        name = f"bot-{next(_numbers)}"
        body = {"metadata": {"name": name, "namespace": "default"}, "spec": {"command": ["sleep", "1"], **spec}}
        await self.admin.create(AGENT, body, "default")
        await self.health(name)
        return name

    async def health(self, name: str, phase: str = "Running") -> None:
        """What the agent operator would say of it."""
        found = await self.admin.get(AGENT, name, "default")
        status = {"phase": phase, "observedGeneration": found["metadata"]["generation"]}
        as_operator = KubeClient(dataclasses.replace(self.admin.config, token=OPERATORS["token"]))
        async with as_operator:
            await as_operator.patch(AGENT, name, {"status": status}, "default", subresource="status")

    async def propose(self, agent: str, patch: Any = None, *, who: str = "", type: str = "Apply", **spec: Any) -> str:
        """A proposal of `who`'s (somebody's who has asked for little yet) on an agent. Returns its name."""
        who = who or self.who
        name = f"{agent}-p{next(_numbers)}"
        asked: Object = {"target": {"kind": "Agent", "name": agent}, "reason": "a test", "proposer": who, **spec}
        if patch is not None:
            asked["patch"] = {"type": type, "content": patch}
        body = {"metadata": {"name": name, "namespace": "default"}, "spec": asked}
        config_of_who = dataclasses.replace(self.admin.config, impersonate=who, impersonate_groups=("system:masters",))
        async with KubeClient(config_of_who) as asking:
            await asking.create(PROPOSAL, body, "default")
        return name

    async def decide(self, name: str, *, who: str = "bob", **decision: Any) -> None:
        """`bob` decides; an approval names the diff as it is now."""
        if decision.get("approved") and "diffDigest" not in decision:
            decision["diffDigest"] = (await self.get(name))["status"]["diffDigest"]
        acting = dataclasses.replace(self.admin.config, impersonate=who, impersonate_groups=("system:masters",))
        async with KubeClient(acting) as deciding:
            await deciding.patch(PROPOSAL, name, {"spec": {"decision": {"by": who, **decision}}}, "default")

    async def get(self, name: str) -> Object:
        return await self.admin.get(PROPOSAL, name, "default")

    async def phase(self, name: str) -> str:
        return phase_of(await self.get(name))

    async def work(self, *names: str, until: Sequence[str] = ()) -> None:
        """A new operator that looks at these proposals in turn until each has settled (or has a phase of `until`)."""
        machine, shelf = await self._machine()
        async with shelf.informer:
            await shelf.informer.wait_synced()
            await machine.books.open(shelf.all())
            for name in names:
                await self._settle(machine, shelf, name, until)

    async def live(self, *names: str) -> int:
        """As `work`, but born again each time it is killed. Returns how often it was."""
        deaths = 0
        while True:
            try:
                await self.work(*names)
            except Killed:
                deaths += 1
                self.writes_left = None
            else:
                return deaths

    async def _settle(self, machine: _Machine, shelf: Shelf, name: str, until: Sequence[str]) -> None:
        key = ("default", name)
        for _ in range(STEPS):
            shelf.informer.store[key] = await self.get(name)
            shelf.drop(key)
            again = await machine.reconcile(key)
            if again is None or again > 0.5 or await self.phase(name) in until:
                return
        raise AssertionError(f"{name} does not settle: {await self.get(name)}")

    async def _machine(self) -> tuple[_Machine, Shelf]:
        shelf, books = Shelf(self._api), Books(self._api)
        journal = Journal(self._api, shelf, books, Recorder(self._api), self.now)
        made = _Machine(self._api, Targets(self._merger), shelf, books, journal, self.now, self.reviewers)
        return made, shelf

    def _make_mortal(self, client: KubeClient) -> None:
        send = client._http.request

        async def request(method: str, path: str, **rest: Any) -> Any:
            counted = method != "GET" and not (rest.get("params") or {}).get("dryRun") and "/events" not in path
            if not counted or self.writes_left is None:
                return await send(method, path, **rest)
            if self.writes_left == 0 and not self.die_after_writing:
                raise Killed
            answer = await send(method, path, **rest)
            if self.writes_left == 0:
                raise Killed
            self.writes_left -= 1
            return answer

        client._http.request = request  # type: ignore[method-assign]


class _Machine(Machine):
    @property
    def books(self) -> Books:
        return self._books
