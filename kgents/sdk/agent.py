"""An agent, as its own program sees itself."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from kgents.api import sensing
from kgents.api.errors import Refused, UsageError
from kgents.api.kinds import PHEROMONE
from kgents.sdk import memory as memory_of
from kgents.sdk import reactions
from kgents.sdk.following import Following
from kgents.sdk.kept import KeptKeys, MountedFile, Source
from kgents.sdk.memory import Memory
from kgents.sdk.proposals import Proposal
from kgents.sdk.reactions import Reaction
from kgents.sdk.signals import Signal
from kgents.sdk.umwelt import Umwelt
from kgents.sdk.work import Wanted, Work, first_of

if TYPE_CHECKING:
    from pathlib import Path

    from kgents.api.operations.requests import Call
    from kgents.kube.config import ClusterConfig
    from kgents.sdk.http import Api

CLAIM_SECONDS = 60.0
MEMORY_PATIENCE = 5.0
"""Seconds: a sidecar that has been killed is back by then."""
LINE_MAX = 4096
EVAPORATED = 0.01


class Cause(Protocol):
    """What can stand in `caused_by` besides a log line: a Signal, a Proposal."""

    def as_cause(self) -> dict[str, Any]: ...


class Agent:
    """An agent at work: `name` in `namespace`. Made by `kgents.sdk.agent`; may be shared by threads.

    Every call raises a KgentsError (kgents.api.errors) that says what, why, and what to do: Refused when policy or
    permission says no (also when the hive is frozen, or the agent paused), TooManyRequests with `retry_after` in
    seconds when it comes too often, Unreachable when the API server is away for longer than the agent's patience.
    """

    def __init__(
        self, name: str, namespace: str, api: Api, files: KeptKeys | None = None, memory: Memory | None = None
    ) -> None:
        self.name, self.namespace = name, namespace
        self.memory = memory or Memory(patience=MEMORY_PATIENCE)
        """What it remembers, see kgents.sdk.memory."""
        self._api, self._files = api, files
        self.umwelt = Umwelt(self._kept(os.environ.get("KGENTS_UMWELT"), "umwelt.json"))
        """What it may see and do, as it says now."""

    def __repr__(self) -> str:
        return f"<Agent {self.name} in {self.namespace}>"

    def emit(
        self,
        type: str,
        payload: str = "",
        *,
        intensity: float | None = None,
        half_life: str | None = None,
        target: str | None = None,
        claimable: bool = False,
        caused_by: Iterable[Cause | str] = (),
    ) -> Signal:
        """Says something that fades by itself.

        `type` is one of kgents.api.pheromone.TYPES; `payload` at most 16 KiB; `intensity` above 0 and at most 1, 1 if
        left out; `half_life` such as "5m", that of the type if left out; `target` the one agent that it is meant for;
        `claimable` makes it work, see `claim`; `caused_by` what led to it: signals, proposals, log lines.
        Said once, whatever happens to the connection. Raises Refused for a type that its umwelt does not let it emit.
        """
        from kgents.api.operations import signals
        from kgents.api.operations.requests import Create

        if not self.umwelt.emits(type.upper()):
            raise Refused(f"{self.name} does not emit {type}", fix="Add it to its umwelt's senses.emit")
        given: dict[str, Any] = {"type": type, "source": self.name, "payload": payload or None, "target": target}
        given |= {"intensity": intensity, "halfLife": half_life, "claimable": claimable, "causedBy": _causes(caused_by)}
        return Signal(self._api.send(Create(PHEROMONE, signals.body(self._call(given)), self.namespace)))

    def sense(self, *types: str, least: float = EVAPORATED) -> list[Signal]:
        """The signals in the air of these types (of all, if none is named), the strongest now first.

        What its umwelt does not let it sense is left out, as are those for another agent, those that are weaker than
        `least` by now, and work that is done.
        """
        from kgents.api.operations.requests import List

        wanted = self._filter(types, least)
        found = [one for one in map(Signal, self._api.send(List(PHEROMONE, self.namespace))) if wanted(one)]
        return sorted(found, key=lambda one: -one.intensity)

    def follow(self, *types: str, least: float = EVAPORATED, seconds: float | None = None) -> Following:
        """The same signals, live, each once: first those in the air, then each that comes.

        for signal in me.follow("SCARCITY"): …

        Ends after `seconds` (None: never), or with `close()` of what it returns; see kgents.sdk.following.
        """
        return Following(self._api, self.namespace, self._filter(types, least), seconds)

    def claim(self, *types: str, seconds: float = CLAIM_SECONDS) -> Work:
        """The strongest claimable signal that nobody has, made its own for `seconds` (at most an hour).

        A Work that is false where there is none; see kgents.sdk.work. However many claim at once, one has it.
        """
        free = [one for one in self.sense(*types) if self._is_free(one)]
        return first_of(self._api, self.namespace, free, self._claimant, seconds)

    def work(self, *types: str, seconds: float = CLAIM_SECONDS) -> Iterator[Work]:
        """Piece after piece of it, each its own for `seconds`: what waits, then what comes, or is given back.

        for work in me.work("INTENT"):
            with work: …

        It never ends; errors are those of `follow` and `claim`.
        """
        wanted = self._filter(types, EVAPORATED)

        def to_be_had(one: Signal) -> bool:
            return wanted(one) and self._is_free(one)

        with Following(self._api, self.namespace, to_be_had, changed=True) as signals:
            for one in signals:
                if piece := first_of(self._api, self.namespace, [one], self._claimant, seconds):
                    yield piece

    def propose(
        self,
        patch: Any = None,
        *,
        reason: str,
        target: str | None = None,
        delete: bool = False,
        patch_type: str = "apply",
        ttl: str | None = None,
        caused_by: Iterable[Cause | str] = (),
    ) -> Proposal:
        """Asks for a change of itself, or of `target`: an agent's name, or kind/name.

        `patch` is what to change, as `patch_type` has it: "apply" and "merge" an object, "json" a list of operations.
        With `delete` it is to go. `ttl` such as "1h": when the wish lapses. It returns as soon as the wish is made;
        what its umwelt's autonomy allows is merged by itself. Asked once, whatever happens to the connection.
        """
        from kgents.api.names import child_name, suggest
        from kgents.api.operations import proposals
        from kgents.api.operations.carrying import carry_out

        whom = target or self.name
        name = child_name(suggest(whom.rpartition("/")[2]), os.urandom(5).hex())
        given: dict[str, Any] = {"target": whom, "reason": reason, "patchType": patch_type, "ttl": ttl, "name": name}
        given["causedBy"] = _causes(caused_by)
        if delete:
            given["delete"] = True
        if patch is not None:
            given["patch"] = patch
        [row] = carry_out(proposals.define(self._call(given)), self._api.send)
        return Proposal(self._api, self.namespace, row)

    def reaction(self, file: str) -> Reaction:
        """What one of its `reactions` (that with `then: {file: …}`) was told last; true while it is strong enough."""
        from kgents.api.names import child_name

        folder = os.environ.get(reactions.DIRECTORY)
        mounted = os.path.join(folder, file) if folder else None  # noqa: PTH118 - a Path costs more than it gives here
        return reactions.read(self._kept(mounted, child_name(reactions.PREFIX + file, longest=253))(), file)

    def remember(self, key: str, value: Any) -> None:
        """Keeps a JSON value under `key`, in its memory."""
        self.memory.put(key, value)

    def recall(self, key: str, default: Any = None) -> Any:
        """What it has remembered under `key`, or `default`."""
        return self.memory.get(key, default)

    def think(self, text: str) -> None:
        """Thinks aloud: one line of its log, which the thought stream shows."""
        sys.stdout.write(f"{' '.join(text.split())}\n")
        sys.stdout.flush()

    @functools.cached_property
    def _claimant(self) -> str:
        """As whom the law lets it claim: an account's own name, a person's whole one."""
        from kgents.api.operations.requests import WhoAmI

        user = str(self._api.send(WhoAmI()))
        return user.rpartition(":")[2] if user.startswith("system:serviceaccount:") else user

    def _is_free(self, one: Signal) -> bool:
        return one.claimable and (not one.claimed_by or (one.has_lapsed and one.claimed_by == self._claimant))

    def _filter(self, types: tuple[str, ...], least: float) -> Wanted:
        kinds = sensing.known(types)

        def wanted(one: Signal) -> bool:
            if one.target not in ("", self.name) or one.done or (kinds and one.type not in kinds):
                return False
            return one.intensity >= least and self.umwelt.senses(one.type)

        return wanted

    def _kept(self, mounted: str | None, key: str) -> Source:
        if mounted:
            return MountedFile(mounted)
        return self._files.key(key) if self._files else lambda: None

    def _call(self, given: dict[str, Any]) -> Call:
        from kgents.api.operations.requests import Call

        kept = {key: value for key, value in given.items() if value is not None and value is not False and value != []}
        return Call({}, kept, self.namespace, time.time())


def agent(
    name: str | None = None,
    *,
    namespace: str | None = None,
    context: str | None = None,
    own_account: bool = False,
    patience: float = 10.0,
    wait_if_busy: float = 0.0,
) -> Agent:
    """The agent that this program is: in a pod by its environment, elsewhere by `name` and the kubeconfig context.

    In a pod it acts with the pod's ServiceAccount; elsewhere as you, or with `own_account` as the agent's own
    ServiceAccount, with tokens of an hour that are asked for in your name: then the law treats it as it does in a pod.
    `patience`: for how many seconds a call tries again while the API server is away. `wait_if_busy`: for how many, in
    all, a call waits when it is told that it comes too often. Raises UsageError when it cannot tell which agent it is.
    """
    from kgents.kube import config

    own = name or os.environ.get("KGENTS_AGENT")
    if not own:
        fix = 'Name it: sdk.agent("scholar"), or set KGENTS_AGENT'
        raise UsageError("it cannot be told which agent this is", fix=fix)
    in_pod = None if context else config.in_cluster(os.environ)
    where = in_pod or config.load(context)
    space = namespace or os.environ.get("KGENTS_NAMESPACE") or where.namespace
    return over(where, own, space, in_pod=bool(in_pod), own_account=own_account, patience=patience, busy=wait_if_busy)


def over(
    config: ClusterConfig,
    name: str,
    namespace: str,
    *,
    in_pod: bool = False,
    own_account: bool = False,
    patience: float = 10.0,
    busy: float = 0.0,
    memories: Path | None = None,
) -> Agent:
    """The agent `name` in `namespace`, over that very configuration: what `agent` does once it knows which it is.

    Outside of a pod it remembers in a folder: one below `memories`, or ~/.kgents/memory/<context>.
    """
    from kgents.api.names import check_agent_name
    from kgents.sdk.http import Api
    from kgents.sdk.login import AccountLogin, Login

    check_agent_name(name)
    api = Api(Login(config), patience=patience, wait_if_busy=busy)
    if in_pod:
        return Agent(name, namespace, api)
    files = KeptKeys(api, name, namespace)
    memory = None if os.environ.get(memory_of.URL) else _local_memory(memories, config, namespace, name)
    if own_account:
        asking = AccountLogin(config, functools.partial(api.token, name, namespace))
        api = Api(asking, patience=patience, wait_if_busy=busy)
    return Agent(name, namespace, api, files, memory)


def _local_memory(memories: Path | None, config: ClusterConfig, namespace: str, name: str) -> Memory:
    from kgents.infra.home import folder_stem, home
    from kgents.sdk.local_memory import LocalMemory

    return LocalMemory((memories or home() / "memory" / folder_stem(config.context)) / namespace / name)


def _causes(given: Iterable[Cause | str]) -> list[dict[str, Any]]:
    return [{"snapshot": {"line": one[:LINE_MAX]}} if isinstance(one, str) else one.as_cause() for one in given]
