"""One pod on this machine: starts its containers, restarts what ends, and says what became of them.

All that must last is in the pod's folder, so that a new runtime goes on where a killed one stopped:

    pods/<uid>/pod.json                 whose folder this is, and its address
    pods/<uid>/volumes/<name>/          emptyDir and files of ConfigMaps, Secrets and tokens
    pods/<uid>/containers/<name>/<n>/   the n-th attempt to run a container
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from kgents.api import times
from kgents.api.kinds import POD
from kgents.embedded.controllers.events import Recorder
from kgents.embedded.runtime import (
    attempts,
    conflicts,
    container_spec,
    deadlines,
    last_words,
    pod_status,
    pod_volumes,
    states,
)
from kgents.embedded.runtime.attempts import Attempt
from kgents.embedded.runtime.endings import Ending, Leaving
from kgents.embedded.runtime.environment import Missing
from kgents.embedded.runtime.isolation import Fence
from kgents.embedded.runtime.keeping import Keeper
from kgents.embedded.runtime.probes import Health
from kgents.embedded.runtime.sources import Sources
from kgents.embedded.runtime.states import View
from kgents.embedded.runtime.stopping import stop_containers
from kgents.embedded.runtime.volumes import Unsupported
from kgents.kube.client import KubeClient
from kgents.kube.errors import ObjectNotFound

Object = Mapping[str, Any]
_LOOK_AGAIN = 2.0
_WAKE_CHECK = 60.0
_PORTS_AGAIN = 5.0
_IDLE = 300.0
_STARTING = 0.05
_LEAST_GRACE = 2.0
_DEPARTURE = 1.0
"""Seconds that Services have to forget a pod. Without controllers they don't, and it ends all the same."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What all pods of this node share. `first_pause` is the first back-off in seconds.

    `departed(address)` returns when no Service leads to that address any more.
    """

    api: KubeClient
    root: Path
    sources: Sources
    events: Recorder
    server: tuple[str, int]
    fence: Fence
    first_pause: float = 10.0
    departed: Callable[[str], Coroutine[Any, Any, object]] | None = None

    @property
    def claims(self) -> Path:
        return self.root / "volumes"


class Pod:
    """Keeps one pod. `look` may be called at any time: it does what is due and says when to look again."""

    def __init__(self, machine: Machine, uid: str, address: str, wake: Callable[[], None]) -> None:
        self.machine, self.uid, self.address, self.wake = machine, uid, address, wake
        self.folder = machine.root / "pods" / uid
        self._keepers: dict[str, Keeper] = {}
        self._waiting: dict[str, tuple[str, str]] = {}
        self._streaks: dict[str, int] = {}
        self._lock = asyncio.Lock()
        self._dismissed = False
        self._has_inits = False
        self._ending: Ending | None = None
        self._sidecars_end: Ending | None = None
        self._goodbye: asyncio.Task[None] | None = None
        self._conflict: str | None = None
        self._told: set[tuple[str, str]] = set()

    async def look(self, pod: Object) -> float:
        """Does what is due. Returns the seconds until the next look is."""
        async with self._lock:
            self._has_inits = bool(pod["spec"].get("initContainers"))
            if self._dismissed:
                return _IDLE
            if pod["metadata"].get("deletionTimestamp"):
                return await self._end(pod)
            return await self._keep(pod)

    async def _keep(self, pod: Object) -> float:
        self._waiting.clear()
        left = await self._overdue(pod)
        if deadlines.failure(self.folder) is not None:
            if self._ending is None:
                self._ending = Ending(self._all_leaving(pod), _grace(pod), self._before())
                self._ending.on_over(self.wake)
            return _IDLE
        # What the downward API tells must not wait for the status to have been written.
        known = {"podIP": self.address, "hostIP": self.machine.server[0]}
        pod = {**pod, "status": {**(pod.get("status") or {}), **known}}
        try:
            places = await pod_volumes.lay_all(self.machine.sources, self.machine.claims, self.folder, pod, self._tell)
        except (Missing, Unsupported) as error:
            reason = "CreateContainerConfigError" if isinstance(error, Missing) else "VolumeUnsupported"
            self._waiting = {c["name"]: (reason, str(error)) for c in [*pod["spec"]["containers"], *_inits(pod)]}
            await self._tell(pod, "FailedMount", str(error), warning=True)
            return _LOOK_AGAIN
        policy = pod["spec"].get("restartPolicy", "Always")
        if self._is_done(pod, policy):
            self._end_sidecars(pod)
            return _IDLE
        again = await self._keep_inits(pod, places, policy)
        if again is None:
            again = await self._keep_mains(pod, places, policy)
        return again if left is None else min(again, left)

    async def _keep_inits(self, pod: Object, places: Mapping[str, Path], policy: str) -> float | None:
        """Returns None once the main containers may start, else when to look again."""
        for container in _inits(pod):
            last = self.attempt(container)
            if states.is_sidecar(container):
                again = await self._care(pod, container, last, places, "Always")
                if not self._view(container).started:
                    return again
            elif not last.end or last.end["exitCode"]:
                return await self._care(pod, container, last, places, "OnFailure" if policy == "Always" else policy)
        return None

    async def _keep_mains(self, pod: Object, places: Mapping[str, Path], policy: str) -> float:
        again = _WAKE_CHECK
        for container in pod["spec"]["containers"]:
            again = min(again, await self._care(pod, container, self.attempt(container), places, policy))
            if container["name"] in self._keepers and not self._keepers[container["name"]].is_settled:
                return again
        return min(again, await self._see_ports(pod))

    def _is_done(self, pod: Object, policy: str) -> bool:
        """Whether nothing but sidecars is left: all main containers are over, or will never start."""
        if any(states.is_given_up(policy, self._view(container)) for container in _inits(pod)):
            return True
        mains = [self.attempt(container) for container in pod["spec"]["containers"]]
        return all(last.end and not states.restarts(policy, last) for last in mains)

    def _end_sidecars(self, pod: Object) -> None:
        """They have nobody to serve any more."""
        if self._sidecars_end is None:
            sidecars = [one for one in self._all_leaving(pod) if one.turn]
            self._sidecars_end = Ending(sidecars, _grace(pod))
            self._sidecars_end.on_over(self.wake)

    def _all_leaving(self, pod: Object) -> list[Leaving]:
        """What runs, in the order in which it is to end: main containers, then sidecars, the last of them first."""
        inits = _inits(pod)
        turns = [(container, len(inits) - number) for number, container in enumerate(inits)]
        named = [*((container, 0) for container in pod["spec"]["containers"]), *turns]
        found = [(container, self.attempt(container), turn) for container, turn in named]
        return [self._keeper(pod, container).leaving(last, turn) for container, last, turn in found if last.runs]

    async def _overdue(self, pod: Object) -> float | None:
        """Fails a pod whose activeDeadlineSeconds are over. Returns the seconds that are left, None without a limit."""
        if deadlines.failure(self.folder) is not None:
            return None
        left = deadlines.left(pod, time.time())
        if left is not None and left <= 0:
            await self._tell(pod, "DeadlineExceeded", deadlines.fail(self.folder))
        return None if left is None else max(left, 0.05)

    async def _see_ports(self, pod: Object) -> float:
        """Finds out whether a container that is in trouble lacks a port that someone else holds."""
        views = [self._view(container) for container in pod["spec"]["containers"] if container.get("ports")]
        failed = [view for view in views if view.in_trouble]
        self._conflict = None
        if not failed:
            return _WAKE_CHECK
        self._conflict = await asyncio.to_thread(conflicts.find, self.machine.root, self.address, pod, failed)
        if self._conflict:
            await self._tell(pod, "PortInUse", self._conflict, warning=True)
        return _PORTS_AGAIN

    def attempt(self, container: Object) -> Attempt:
        return attempts.newest(self.folder / "containers" / container["name"])

    async def _care(
        self, pod: Object, container: Object, last: Attempt, places: Mapping[str, Path], policy: str
    ) -> float:
        """Starts a container that is due, ends one that is sick. Returns when to look again."""
        name = container["name"]
        if last.starts:
            return _STARTING
        keeper = self._keeper(pod, container)
        if last.runs:
            keeper.attend(last)
            await keeper.cure(last)
            return _WAKE_CHECK
        await keeper.leave()
        if last.end and not states.restarts(policy, last):
            return _IDLE
        due = self._due(name, last) - time.time()
        if due > 0:
            message = f"Back-off restarting failed container {name} in pod {pod['metadata']['name']}"
            await self._tell(pod, "BackOff", message, warning=True)
            return due
        await self._start(pod, container, last, places)
        return _LOOK_AGAIN if name in self._waiting else _WAKE_CHECK

    def _due(self, name: str, last: Attempt) -> float:
        """When an ended container may start again (time.time)."""
        if last.end is None:
            return 0.0
        return float(last.end.get("finishedAt") or last.end.get("startedAt") or 0.0) + self._pause(name)

    def _pause(self, name: str) -> float:
        """Seconds that a container rests after its last end."""
        return attempts.pause(self._streaks.get(name, 0), self.machine.first_pause)

    async def _start(self, pod: Object, container: Object, last: Attempt, places: Mapping[str, Path]) -> None:
        name, folder = container["name"], last.folder.parent / str(last.number + 1)
        try:
            spec = container_spec.make(
                *(pod, container, self.folder, places),
                sources=self.machine.sources,
                server=self.machine.server,
                fence=self.machine.fence,
                mounts=last_words.mount(container, folder, own_dev=self.machine.fence.means.spaces),
            )
        except (Missing, Unsupported) as error:
            self._waiting[name] = ("CreateContainerConfigError", str(error))
            await self._tell(pod, "Failed", str(error), warning=True)
            return
        if not spec["argv"]:
            message = (
                f"the hive runs programs of this machine: say a command (the image {container.get('image')} has none)"
            )
            self._waiting[name] = ("NoCommand", message)
            await self._tell(pod, "Failed", message, warning=True)
            return
        last_words.make_room(folder)
        self._streaks[name] = attempts.next_streak(self._streaks.get(name, 0), last)
        made = await attempts.start(last, spec)
        if made.end and made.end.get("trouble"):
            step, why = made.end["trouble"]
            await self._tell(pod, "Failed", f"container {name} cannot start ({step}): {why}", warning=True)
        else:
            await self._tell(pod, "Started", f"Started container {name}", again=True)
        if made.runs:
            self._keeper(pod, container).attend(made)
        else:
            self.wake()

    def _keeper(self, pod: Object, container: Object) -> Keeper:
        name = container["name"]
        if name not in self._keepers:
            tell = partial(self._warn, pod)
            self._keepers[name] = Keeper(container, self.address, _grace(pod), self.wake, tell)
        return self._keepers[name]

    async def _warn(self, pod: Object, reason: str, message: str) -> None:
        await self._tell(pod, reason, message, warning=reason != "Killing", again=True)

    async def close(self) -> None:
        """Lets go of everything but the containers."""
        async with self._lock:
            self._dismissed = True
            for keeper in self._keepers.values():
                await keeper.close()
            for ending in (self._ending, self._sidecars_end):
                if ending is not None:
                    ending.cancel()
            if self._goodbye is not None:
                self._goodbye.cancel()
                await asyncio.gather(self._goodbye, return_exceptions=True)

    async def dismiss(self) -> None:
        """The object is gone: ends what still runs, and removes the pod's folder."""
        await self.close()
        await asyncio.to_thread(remove, self.folder)

    async def _end(self, pod: Object) -> float:
        """Begins the end, or hurries it; what went wrong with it is raised at the next look."""
        grace = _remaining(pod, time.time())
        if self._ending is None:
            containers = [*pod["spec"]["containers"], *_inits(pod)]
            if any(self.attempt(container).starts for container in containers):
                return _STARTING
            leaving = self._all_leaving(pod)
            for keeper in self._keepers.values():
                await keeper.leave()
            for one in leaving:
                await self._tell(pod, "Killing", f"Stopping container {one.attempt.folder.parent.name}")
            self._ending = Ending(leaving, grace, self._before())
        else:
            self._ending.hurry(grace)
        if self._goodbye is None:
            self._goodbye = asyncio.create_task(self._say_goodbye(pod, self._ending))
            self._goodbye.add_done_callback(lambda _task: self.wake())
        elif self._goodbye.done() and not self._goodbye.cancelled():
            done, self._goodbye = self._goodbye, None
            done.result()
        return _IDLE

    async def _say_goodbye(self, pod: Object, ending: Ending) -> None:
        """Once all is over, its last state is told, as a kubelet does, and the object goes for good."""
        await ending.wait()
        meta = pod["metadata"]
        patch = {"metadata": {"uid": meta["uid"]}, "status": self.status(pod, time.time())}
        try:
            await self.machine.api.patch(POD, meta["name"], patch, meta["namespace"], subresource="status")
        except ObjectNotFound:
            return
        await self.machine.api.delete(
            POD, meta["name"], meta["namespace"], uid=meta["uid"], grace_seconds=0, missing_ok=True
        )

    async def _tell(
        self, pod: Object, reason: str, message: str, *, warning: bool = False, again: bool = False
    ) -> None:
        """An Event, once for the same words in a row."""
        if (reason, message) in self._told and not again:
            return
        self._told.add((reason, message))
        await self.machine.events.record(POD, pod, reason, message, warning=warning)

    def _before(self) -> Callable[[], Coroutine[Any, Any, object]] | None:
        """What is waited for ahead of the first SIGTERM: nobody is to be led to a program that is about to go."""
        return partial(self._departed, self.machine.departed) if self.machine.departed else None

    async def _departed(self, departed: Callable[[str], Coroutine[Any, Any, object]]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DEPARTURE):
                await departed(self.address)

    def status(self, pod: Object, now: float) -> dict[str, Any]:
        """The status that the folders and the probes add up to."""
        facts = pod_status.Facts(
            inits=[self._view(container) for container in _inits(pod)],
            mains=[self._view(container) for container in pod["spec"]["containers"]],
            address=self.address,
            host=self.machine.server[0],
            conflict=self._conflict,
            failure=deadlines.failure(self.folder),
            is_final=bool(pod["metadata"].get("deletionTimestamp")),
        )
        return pod_status.build(pod, facts, now)

    def _view(self, container: Object) -> View:
        name = container["name"]
        attempt = self.attempt(container)
        before = attempts.previous(attempt) if attempt.runs else None
        health = self._keepers[name].health if name in self._keepers else None
        return View(
            spec=container,
            attempt=attempt,
            health=health or Health(),
            waiting=self._waiting.get(name),
            pause=self._pause(name) if attempt.end else 0.0,
            before=before,
            after_inits=self._has_inits,
            words=last_words.of(container, before or attempt),
        )


def _inits(pod: Object) -> list[Object]:
    return list(pod["spec"].get("initContainers") or [])


def _grace(pod: Object) -> float:
    asked = pod["spec"].get("terminationGracePeriodSeconds")
    return 30.0 if asked is None else float(asked)


def _remaining(pod: Object, now: float) -> float:
    """What is left of the grace period: some of it may have passed while no runtime lived."""
    meta = pod["metadata"]
    grace = float(meta.get("deletionGracePeriodSeconds") or 0)
    due = times.parse(meta["deletionTimestamp"])
    return grace if due is None else min(grace, max(due - now, _LEAST_GRACE))


def remove(folder: Path) -> None:
    """Ends a pod's containers at once and removes its folder. Blocks until they are gone."""
    stop_containers(folder.glob("containers/*/*/spec.json"))
    shutil.rmtree(folder, ignore_errors=True)
