"""A real embedded hive for tests: API server, controllers, process runtime, operators, law. Nothing is mocked.

The pytest fixture `hive` comes with kgents (kgents/pytest_plugin.py); one hive serves a whole session, so tests name
their agents apart, or take a namespace of their own:

    def test_it_asks_for_help(hive):
        hive.run("scholar", [sys.executable, "agent.py"])
        signal = hive.wait_for(lambda: hive.signals("SCARCITY"))[0]
        assert signal.source == "scholar"
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from kgents.api.errors import KgentsError, NotFound, Refused
from kgents.api.governance.table import POLICY_NAME
from kgents.api.kinds import AGENT, CONFIG_MAP, HIVE_NAMESPACE, NAMESPACE, PHEROMONE, POD, PROPOSAL
from kgents.api.operations import agents
from kgents.api.operations.carrying import carry_out
from kgents.api.operations.requests import Call, Create, Get, List, Patch
from kgents.kube import config
from kgents.sdk.agent import Agent, over
from kgents.sdk.http import Api, path_of
from kgents.sdk.login import Login
from kgents.sdk.proposals import Proposal
from kgents.sdk.signals import Signal

T = TypeVar("T")
LOOK_EVERY = 0.05
USUAL = 60.0
"""Seconds that something which must happen may take: many, for a test should fail for what is wrong, not for haste."""


class Hive:
    """A running hive, and its administrator. `home` and `kubeconfig` are its own: nobody's settings have a say."""

    def __init__(self, root: Path, name: str) -> None:
        self.root, self.name = root, name
        self.home, self.kubeconfig = root / "home", root / "kubeconfig"

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs in its environment to reach this hive as its administrator, besides everything else."""
        own = {"KGENTS_HOME": str(self.home), "KUBECONFIG": str(self.kubeconfig)}
        return {**{key: value for key, value in os.environ.items() if not key.startswith("KGENTS_")}, **own}

    @contextlib.contextmanager
    def running(self) -> Iterator[Hive]:
        """The hive, from its start to its end; nothing of it is left behind, whatever happens in between."""
        try:
            self.kgents("infra", "init", "--name", self.name)
            self.api = Api(Login(config.load(path=self.kubeconfig)))
            yield self
        finally:
            self.kgents("infra", "delete", "--yes", "--if-exists", "--name", self.name)

    def kgents(self, *words: str) -> str:
        """What `kgents words…` prints. Raises KgentsError when it fails."""
        command = [sys.executable, "-P", "-c", "from kgents.cli.main import main; main()", *words]
        done = subprocess.run(
            command, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise KgentsError(f"kgents {' '.join(words)} failed", why=(done.stderr or done.stdout).strip())
        return done.stdout

    def namespace(self, prefix: str = "test") -> str:
        """A new namespace."""
        name = f"{prefix}-{uuid.uuid4().hex[:8]}"
        self.api.send(Create(NAMESPACE, {"metadata": {"name": name}}))
        return name

    def agent(self, name: str, *, namespace: str = "default", umwelt: Mapping[str, Any] | None = None) -> Agent:
        """The agent as its own program has it, with its own token: what the law refuses to it is refused here.

        One that is not there is made, with `umwelt`, and has no replicas.
        """
        try:
            self.api.send(Get(AGENT, name, namespace))
        except NotFound:
            spec = {"command": ["sleep", "infinity"], "replicas": 0, "umwelt": dict(umwelt or {})}
            self.apply(name, spec, namespace=namespace)
        self.wait_for(lambda: self._is_known(name, namespace), what=f"{name} has its account")
        return self._over(name, namespace, own_account=True)

    def person(self, name: str = "tester", *, namespace: str = "default") -> Agent:
        """The same calls as the hive's administrator, who signals in the name of `name`."""
        return self._over(name, namespace, own_account=False)

    def run(
        self,
        name: str,
        command: Sequence[str],
        *,
        namespace: str = "default",
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
        umwelt: Mapping[str, Any] | None = None,
        timeout: float = USUAL,
        **spec: Any,
    ) -> None:
        """Runs a program as an agent, in `cwd` (this folder), and returns when it runs.

        `spec`: further fields of the Agent, such as replicas, reactions, symbionts. Raises KgentsError, with its log,
        when it does not run in time.
        """
        made: dict[str, Any] = {"command": [command[0]], "workingDir": str(Path(cwd or Path.cwd()).absolute()), **spec}
        if len(command) > 1:
            made["args"] = list(command[1:])
        if env:
            made["env"] = [{"name": key, "value": value} for key, value in env.items()]
        if umwelt is not None:
            made["umwelt"] = dict(umwelt)
        self.apply(name, made, namespace=namespace)
        try:
            self.wait_for(lambda: self._runs(name, namespace), timeout, f"{name} runs")
        except AssertionError as error:
            raise KgentsError(f"{name} does not run", why=self._trouble(name, namespace)) from error

    def apply(self, name: str, spec: Mapping[str, Any], *, namespace: str = "default") -> None:
        """Makes the Agent, or changes it, and does not wait."""
        carry_out(agents.define(self._call({"spec": dict(spec)}, name, namespace)), self.api.send)

    def delete(self, name: str, *, namespace: str = "default") -> None:
        """Deletes the Agent, and returns when its pods are gone."""
        carry_out(agents.terminate(self._call({}, name, namespace)), self.api.send)
        self.wait_for(lambda: not self._pods(name, namespace), what=f"the pods of {name} are gone")

    def policy(self, data: Mapping[str, str | None]) -> None:
        """Sets keys of the ConfigMap kgents-policy (docs/security.md), `{"bake": "1s"}` say; None takes one away."""
        self.api.send(Patch(CONFIG_MAP, POLICY_NAME, {"data": dict(data)}, HIVE_NAMESPACE))

    def signals(self, *types: str, namespace: str = "default") -> list[Signal]:
        """All signals of these types in the air, whomever they are for; the strongest now first."""
        found = [Signal(one) for one in self.api.send(List(PHEROMONE, namespace))]
        return sorted((one for one in found if not types or one.type in types), key=lambda one: -one.intensity)

    def proposals(self, agent: str = "", *, namespace: str = "default") -> list[Proposal]:
        """All proposals, or those of one agent."""
        own = f"system:serviceaccount:{namespace}:{agent}"
        found = self.api.send(List(PROPOSAL, namespace))
        kept = [one for one in found if not agent or one["spec"].get("proposer") == own]
        return [Proposal(self.api, namespace, one["metadata"]).refresh() for one in kept]

    def log(self, name: str, *, namespace: str = "default") -> str:
        """What the agent's pods have printed."""
        said = []
        for pod in self._pods(name, namespace):
            with contextlib.suppress(KgentsError):  # None of its containers has run yet.
                said.append(self.api.text(path_of(POD, namespace, pod["metadata"]["name"], "log"), container="agent"))
        return "".join(said)

    def wait_for(self, look: Callable[[], T], timeout: float = USUAL, what: str = "") -> T:
        """The first true answer of `look`. An AssertionError in it is tried again; after `timeout` it is raised."""
        until = time.monotonic() + timeout
        while True:
            failure = None
            try:
                answer = look()
                if answer:
                    return answer
            except AssertionError as error:
                failure = error
            if time.monotonic() >= until:
                raise failure or AssertionError(f"after {timeout:g} s it is not true: {what or look}")
            time.sleep(LOOK_EVERY)

    def _over(self, name: str, namespace: str, *, own_account: bool) -> Agent:
        memories = self.root / "memory"
        return over(self.api.login.config, name, namespace, own_account=own_account, memories=memories)

    def _runs(self, name: str, namespace: str) -> bool:
        found = self.api.send(Get(AGENT, name, namespace))
        status = found.get("status") or {}
        seen = int(status.get("observedGeneration") or 0) >= found["metadata"]["generation"]
        return seen and status.get("phase") == ("Suspended" if found["spec"].get("replicas") == 0 else "Running")

    def _is_known(self, name: str, namespace: str) -> bool:
        """Whether the operator has given it all that it needs: account, permissions, and the keys of its umwelt."""
        try:
            self.api.send(Get(CONFIG_MAP, name, namespace))
            self._over(name, namespace, own_account=True).sense()
        except (NotFound, Refused):
            return False
        return True

    def _trouble(self, name: str, namespace: str) -> str:
        status = self.api.send(Get(AGENT, name, namespace)).get("status") or {}
        told = "; ".join(f"{one['type']}={one['status']} {one['message']}" for one in status.get("conditions") or ())
        return f"it is {status.get('phase')}. {told}. Its log ends with: {self.log(name, namespace=namespace)[-2000:]}"

    def _pods(self, name: str, namespace: str) -> list[Any]:
        found = self.api.send(List(POD, namespace))
        return [one for one in found if (one["metadata"].get("labels") or {}).get("kgents.io/agent") == name]

    def _call(self, arguments: Mapping[str, Any], agent: str, namespace: str) -> Call:
        return Call({"agent": agent}, arguments, namespace, time.time())


def start(root: Path, name: str = "") -> contextlib.AbstractContextManager[Hive]:
    """A new hive below `root`, for a `with`. It is up in some seconds, and gone with all its processes afterwards."""
    return Hive(root, name or f"pytest-{os.getpid()}-{uuid.uuid4().hex[:4]}").running()
