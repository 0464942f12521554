"""Makes one agent as it should be, and its status true: read all state, apply the children, say what is seen."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from kgents.api.kinds import AGENT, CONFIG_MAP, DEPLOYMENT, ENDPOINTS, MEMORY, PERSISTENT_VOLUME_CLAIM, SERVICE, UMWELT
from kgents.kube.errors import ObjectNotFound
from operators.agent import memory, meta, pods, status
from operators.agent.adoption import Body
from operators.agent.apply import Applier
from operators.agent.children import KINDS, Surroundings, render
from operators.agent.phase import Blocker, Observed, Verdict, judge
from operators.agent.pod import lacks_image
from operators.events import Recorder
from operators.signals.rules import problems
from operators.world import Key, World

log = logging.getLogger(__name__)

OPTIONAL = (SERVICE, UMWELT, MEMORY, PERSISTENT_VOLUME_CLAIM)
BLOCKED_RETRY = 30.0
TAKEN_RETRY = 2.0
UNSEEN_RETRY = 2.0
_IMAGE_NEEDED = (
    "this cluster runs images, and none is given: set spec.image to one that has the program (kgents run … --image)"
)
_WARNINGS = frozenset({"Degraded", "Failed", "Safemode"})


class AgentReconciler:
    """One key at a time per agent: the queue sees to that."""

    def __init__(self, world: World, recorder: Recorder) -> None:
        self._world = world
        self._recorder = recorder
        self._applier = Applier(world.api, world.informers)
        self._api_endpoints: list[tuple[str, int]] | None = None

    async def reconcile(self, key: Key) -> float | None:
        """Returns the seconds after which time alone may have changed the answer."""
        agent = self._world.agents.get(key)
        if agent is None:
            self._applier.forget(*key)
            await memory.tell_alone(self._world, key)
            return None
        blockers: list[Blocker] = []
        if self._world.images_needed and lacks_image(agent["spec"]):
            blockers = [Blocker("ImageNeeded", _IMAGE_NEEDED)]
        elif not agent["metadata"].get("deletionTimestamp"):
            blockers = await self._make_children(agent, key)
        body = self._world.body(key)
        if agent["spec"].get("workloadRef") and body is None and (agent.get("status") or {}).get("phase"):
            return UNSEEN_RETRY  # what it said before is no worse than what is guessed
        if body is not None and body.refusal is not None:
            blockers.insert(0, body.refusal)
        verdict = await self._tell(agent, key, blockers, body)
        if verdict.safemode:
            return 0.05
        if blockers:
            soon = any(blocker.reason == "NameConflict" for blocker in blockers)
            return TAKEN_RETRY if soon else BLOCKED_RETRY
        return verdict.again

    async def _make_children(self, agent: Mapping[str, Any], key: Key) -> list[Blocker]:
        spec = agent["spec"]
        endpoints = await self._endpoints() if (spec.get("network") or {}).get("allowEgress", True) is False else []
        around = Surroundings(
            held=status.is_held(agent),
            claim=self._world.child(PERSISTENT_VOLUME_CLAIM, key),
            memory=self._world.memory,
            umwelt=memory.made_by_hand(self._world.child(UMWELT, key)),
            api_endpoints=endpoints,
        )
        wanted = render(agent, around)
        blockers = []
        for kind, child in wanted:
            blocker = await self._applier.ensure(agent, kind, child)
            if blocker is not None:
                blockers.append(blocker)
        await self._prune(agent, {(kind.kind, child["metadata"]["name"]) for kind, child in wanted})
        if not spec.get("workloadRef"):
            await memory.tell(self._world, agent, key)
        return blockers

    async def _prune(self, agent: Mapping[str, Any], wanted: set[tuple[str, str]]) -> None:
        """What it had before its spec was another one."""
        name = str(agent["metadata"]["name"])
        adopts = bool(agent["spec"].get("workloadRef"))
        for kind in KINDS if adopts else OPTIONAL:
            if (kind.kind, name) not in wanted:
                await self._applier.prune(agent, kind)
        if not adopts:
            await self._applier.prune(agent, CONFIG_MAP, meta.adopted_name(name))

    async def _endpoints(self) -> Sequence[tuple[str, int]]:
        """Where the API server is, for agents that may leave their namespace for nothing else. Asked once."""
        if self._api_endpoints is None:
            try:
                found = await self._world.api.get(ENDPOINTS, "kubernetes", "default")
            except ObjectNotFound:
                return []
            self._api_endpoints = [
                (address["ip"], port["port"])
                for subset in found.get("subsets") or ()
                for address in subset.get("addresses") or ()
                for port in subset.get("ports") or ()
            ]
        return self._api_endpoints

    async def _tell(self, agent: Mapping[str, Any], key: Key, blockers: list[Blocker], body: Body | None) -> Verdict:
        world, now = self._world, self._world.clock()
        observed = Observed(
            agent=agent,
            deployment=world.child(DEPLOYMENT, key),
            pods=[pod for pod in world.pods_of(key) if not pods.is_leaving(pod)],
            blockers=blockers,
            held=status.is_held(agent),
            paused=world.paused.get(key, ""),
            workload=body.workload if body else None,
        )
        verdict = judge(observed, now)
        made = status.make(
            observed,
            verdict,
            now=now,
            suppressed=world.suppressed.get(key, 0),
            refused=world.refused.get(key, 0),
            reactions=world.reactions.get(key, ()),
            bad_signals=problems(agent["spec"]),
            remembers=world.memory is not None,
            body=body,
        )
        before = agent.get("status") or {}
        if _same(made, before):
            return verdict
        applied = await _write(world, agent, made)
        if applied is None:
            return verdict
        world.put_agent(applied)
        if verdict.phase != before.get("phase"):
            kind = "Warning" if verdict.phase in _WARNINGS else "Normal"
            await self._recorder.record(agent, kind, verdict.phase, verdict.message or verdict.reason, now)
        return verdict


async def _write(world: World, agent: Mapping[str, Any], made: Mapping[str, Any]) -> dict[str, Any] | None:
    metadata = agent["metadata"]
    body = {
        "apiVersion": AGENT.api_version,
        "kind": AGENT.kind,
        # The uid makes it a conflict, not a new object, when the agent has been deleted and made anew meanwhile.
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]},
        "status": made,
    }
    try:
        return await world.api.apply(AGENT, body, metadata["namespace"], subresource="status")
    except ObjectNotFound:
        return None  # Deleted meanwhile; kopf tells of it next.


def _same(made: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    old = {key: value for key, value in before.items() if key in made}
    dropped = [key for key in ("suppressedSignals", "reactions", "workload") if key in before and key not in made]
    return not dropped and json.dumps(made, sort_keys=True) == json.dumps(old, sort_keys=True)
