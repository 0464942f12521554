"""An agent, as its own program sees itself."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Iterable
from typing import Any

from kgents.api import times
from kgents.api.errors import UsageError
from kgents.api.kinds import PHEROMONE
from kgents.api.names import check_agent_name
from kgents.api.operations import proposals, signals
from kgents.api.operations.carrying import carry_out
from kgents.api.operations.requests import Call, Create, List, Patch
from kgents.kube import config
from kgents.sdk.http import Api, Conflict
from kgents.sdk.memory import Memory
from kgents.sdk.proposals import Proposal
from kgents.sdk.signals import Signal, Work
from kgents.sdk.umwelt import Umwelt

CLAIM = 60.0


class Agent:
    """`name` in `namespace`, acting over `api`. Every call raises KgentsError: what, why, and what to do."""

    def __init__(self, name: str, namespace: str, api: Api) -> None:
        self.name, self.namespace = name, namespace
        self.umwelt = Umwelt()
        self.memory = Memory()
        self._api = api

    def emit(
        self,
        type: str,
        payload: str = "",
        *,
        intensity: float | None = None,
        half_life: str | None = None,
        target: str | None = None,
        claimable: bool = False,
        caused_by: Iterable[Signal | str] = (),
    ) -> Signal:
        """Says something that fades by itself. `caused_by`: signals, or log lines."""
        given: dict[str, Any] = {"type": type, "payload": payload, "source": self.name, "target": target}
        given |= {"halfLife": half_life, "claimable": claimable, "causedBy": _causes(caused_by)}
        kept = {key: value for key, value in given.items() if value}
        if intensity is not None:
            kept["intensity"] = intensity
        return Signal(self._api.send(Create(PHEROMONE, signals.body(self._call(kept)), self.namespace)))

    def sense(self, *types: str, least: float = 0.01) -> list[Signal]:
        """The signals in the air of these types (of all that its umwelt lets it sense), the strongest now first.

        Those that are meant for another agent are left out.
        """
        found = [Signal(one) for one in self._api.send(List(PHEROMONE, self.namespace))]
        wanted = [
            one
            for one in found
            if (not types or one.type in types)
            and self.umwelt.senses(one.type)
            and one.target in ("", self.name)
            and one.intensity >= least
        ]
        return sorted(wanted, key=lambda one: -one.intensity)

    def claim(self, *types: str, seconds: float = CLAIM) -> Work:
        """The strongest claimable signal that nobody has, made its own; an empty Work where there is none."""
        for one in self.sense(*types):
            if not one.obj["spec"].get("claimable") or (one.obj.get("status") or {}).get("doneAt"):
                continue
            if one.claimed_by not in ("", self.name):
                continue
            try:
                return Work(self._api, self.namespace, self._claimed(one, seconds))
            except Conflict:
                continue  # another was faster
        return Work(self._api, self.namespace, None)

    def propose(
        self,
        patch: Any = None,
        *,
        reason: str,
        target: str | None = None,
        delete: bool = False,
        patch_type: str = "apply",
        ttl: str | None = None,
        caused_by: Iterable[Signal | str] = (),
    ) -> Proposal:
        """Asks for a change, of itself where no `target` is named."""
        given: dict[str, Any] = {"target": target or self.name, "reason": reason, "patchType": patch_type, "ttl": ttl}
        given |= {"delete": True} if delete else {"patch": patch}
        given["causedBy"] = _causes(caused_by)
        call = self._call({key: value for key, value in given.items() if value not in (None, [])})
        [row] = carry_out(proposals.define(call), self._api.send)
        return Proposal(self._api, self.namespace, row)

    def remember(self, key: str, value: Any) -> None:
        """Keeps a JSON value."""
        self.memory.put(key, value)

    def recall(self, key: str, default: Any = None) -> Any:
        return self.memory.get(key, default)

    def think(self, text: str) -> None:
        """Thinks aloud: a line of its log, which the thought stream shows."""
        sys.stdout.write(f"{' '.join(text.split())}\n")
        sys.stdout.flush()

    def _claimed(self, signal: Signal, seconds: float) -> Signal:
        now = time.time()
        claim = {
            "claimedBy": self.name,
            "claimedAt": times.to_text(now),
            "claimedUntil": times.to_text(now + min(seconds, 3600.0)),
        }
        # On the version that was seen: of several who try, one has it.
        version = {"resourceVersion": signal.obj["metadata"]["resourceVersion"]}
        patch = {"metadata": version, "status": claim}
        return Signal(self._api.send(Patch(PHEROMONE, signal.name, patch, self.namespace, subresource="status")))

    def _call(self, arguments: dict[str, Any]) -> Call:
        return Call({}, arguments, self.namespace, time.time())


def agent(name: str | None = None, *, namespace: str | None = None, context: str | None = None) -> Agent:
    """The agent that this program is: in a pod by its environment, elsewhere by `name` and the kubeconfig context.

    Raises UsageError when it cannot be told which agent that is.
    """
    own = name or os.environ.get("KGENTS_AGENT")
    if not own:
        raise UsageError(
            "it cannot be told which agent this is", fix='Name it: sdk.agent("scholar"), or set KGENTS_AGENT'
        )
    where = _config(context)
    space = namespace or os.environ.get("KGENTS_NAMESPACE") or where.namespace
    return Agent(check_agent_name(own), space, Api(where))


@functools.cache
def _config(context: str | None) -> config.ClusterConfig:
    found = None if context else config.in_cluster(os.environ)
    return found or config.load(context)


def _causes(given: Iterable[Signal | str]) -> list[dict[str, Any]]:
    return [one.as_cause() if isinstance(one, Signal) else {"snapshot": {"line": one}} for one in given]
