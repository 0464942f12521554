"""One pod on this machine: starts its containers, restarts what ends, and says what became of them.

All that must last is in the pod's folder, so that a new runtime goes on where a killed one stopped:

    pods/<uid>/pod.json                 whose folder this is, and its address
    pods/<uid>/volumes/<name>/          emptyDir and files of ConfigMaps, Secrets and tokens
    pods/<uid>/containers/<name>/<n>/   the n-th attempt to run a container
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from kgents.api import times
from kgents.api.kinds import POD
from kgents.embedded.controllers.events import Recorder
from kgents.embedded.runtime import attempts, environment, states, volumes
from kgents.embedded.runtime.attempts import Attempt
from kgents.embedded.runtime.environment import Missing
from kgents.embedded.runtime.probes import Prober
from kgents.embedded.runtime.sources import Sources
from kgents.embedded.runtime.states import View
from kgents.embedded.runtime.volumes import Unsupported
from kgents.kube.client import KubeClient

Object = Mapping[str, Any]
_LOOK_AGAIN = 2.0
_WAKE_CHECK = 60.0
_IDLE = 300.0


@dataclass(frozen=True, slots=True)
class Machine:
    """What all pods of this node share. `first_pause` is the first back-off in seconds."""

    api: KubeClient
    root: Path
    sources: Sources
    events: Recorder
    server: tuple[str, int]
    first_pause: float = 10.0

    @property
    def claims(self) -> Path:
        return self.root / "volumes"


class Pod:
    """Keeps one pod. `look` may be called at any time: it does what is due and says when to look again."""

    def __init__(self, machine: Machine, uid: str, address: str, wake: Callable[[], None]) -> None:
        self.machine, self.uid, self.address, self.wake = machine, uid, address, wake
        self.folder = machine.root / "pods" / uid
        self._probers: dict[str, tuple[int, Prober]] = {}
        self._exits: dict[str, int] = {}
        self._waiting: dict[str, tuple[str, str]] = {}
        self._killing: set[str] = set()
        self._ending: asyncio.Task[None] | None = None
        self._told: set[tuple[str, str]] = set()

    async def look(self, pod: Object) -> float:
        """Does what is due. Returns the seconds until the next look is."""
        if pod["metadata"].get("deletionTimestamp"):
            self._ending = self._ending or asyncio.create_task(self._end(pod))
            return _IDLE
        self._waiting.clear()
        spec = {**pod["spec"]}
        pod = {**pod, "status": {**(pod.get("status") or {}), "podIP": self.address}}
        try:
            places = await self._lay_volumes(pod)
        except (Missing, Unsupported) as error:
            reason = "CreateContainerConfigError" if isinstance(error, Missing) else "VolumeUnsupported"
            self._waiting = {c["name"]: (reason, str(error)) for c in [*spec["containers"], *_inits(pod)]}
            await self._tell(pod, reason, str(error), warning=True)
            return _LOOK_AGAIN
        again = _WAKE_CHECK
        for container in _inits(pod):
            last = self.attempt(container)
            if last.end and not last.end["exitCode"]:
                continue
            return min(again, await self._care(pod, container, last, places, init=True))
        for container in spec["containers"]:
            again = min(again, await self._care(pod, container, self.attempt(container), places))
        return again

    async def _lay_volumes(self, pod: Object) -> dict[str, Path]:
        """Every volume's folder, its files brought up to date."""
        places = {}
        namespace = pod["metadata"]["namespace"]
        content = partial(self.machine.sources.content, namespace)
        for volume in pod["spec"].get("volumes") or []:
            place = volumes.place(volume, self.folder, self.machine.claims, namespace)
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            if volumes.projected_sources(volume):
                tokens = await self.machine.sources.tokens(pod, volume)
                volumes.lay(place, volumes.gather(volume, pod, content, tokens))
            places[volume["name"]] = place
        return places

    def attempt(self, container: Object) -> Attempt:
        return attempts.newest(self.folder / "containers" / container["name"])

    async def _care(
        self, pod: Object, container: Object, last: Attempt, places: Mapping[str, Path], *, init: bool = False
    ) -> float:
        """Starts a container that is due, ends one that is sick. Returns when to look again."""
        name = container["name"]
        if last.runs:
            self._attend(container, last)
            sick = self._probers[name][1].health.sick if name in self._probers else ""
            if sick and name not in self._killing:
                self._killing.add(name)
                await self._tell(pod, "Unhealthy", f"container {name}: {sick}; it is restarted", warning=True)
                grace = float(pod["spec"].get("terminationGracePeriodSeconds") or 30)
                asyncio.get_running_loop().call_later(grace, last.signal, signal.SIGKILL)
                last.signal(signal.SIGTERM)
            return _WAKE_CHECK
        await self._leave(name)
        policy = pod["spec"].get("restartPolicy", "Always")
        if last.end and not states.restarts("OnFailure" if init and policy == "Always" else policy, last):
            return _IDLE
        due = self._due(last) - time.time()
        if due > 0:
            return due
        await self._start(pod, container, last, places)
        return _LOOK_AGAIN if name in self._waiting else _WAKE_CHECK

    def _due(self, last: Attempt) -> float:
        """When an ended container may start again (time.time)."""
        if last.end is None:
            return 0.0
        pause = attempts.pause(last, self.machine.first_pause)
        return float(last.end.get("finishedAt") or last.end.get("startedAt") or 0.0) + pause

    async def _start(self, pod: Object, container: Object, last: Attempt, places: Mapping[str, Path]) -> None:
        name, meta = container["name"], pod["metadata"]
        try:
            spec = self._spec(pod, container, places)
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
        made = await attempts.start(last, spec)
        if made.end and made.end.get("trouble"):
            step, why = made.end["trouble"]
            await self._tell(pod, "Failed", f"container {name} cannot start ({step}): {why}", warning=True)
        else:
            await self._tell(pod, "Started", f"Started container {name}", again=True)
            if made.number and made.streak > 1:
                await self._tell(pod, "BackOff", f"Restarted container {name} in {meta['name']}", warning=True)
        if made.runs:
            self._attend(container, made)
        else:
            self.wake()

    def _spec(self, pod: Object, container: Object, places: Mapping[str, Path]) -> dict[str, Any]:
        namespace = pod["metadata"]["namespace"]
        home, staging = self.folder / "home", self.folder / "staging"
        for path in (home, home / "tmp", staging):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        given = environment.base(str(home), self.machine.server)
        if pod["spec"].get("enableServiceLinks", True):
            given |= environment.of_services(self.machine.sources.services_of(namespace))
        lookup = partial(self.machine.sources.words, namespace)
        env = environment.of_container(pod, container, {**given, "KGENTS_POD_ROOT": str(self.folder)}, lookup)
        return {
            "argv": environment.command_line(container, env),
            "env": env,
            "cwd": container.get("workingDir") or str(home),
            "mounts": volumes.mounts(container, places),
            "staging": str(staging),
        }

    def _attend(self, container: Object, running: Attempt) -> None:
        """Waits for its end, and probes it, once for each attempt."""
        name = container["name"]
        if name in self._probers and self._probers[name][0] == running.number:
            return
        if name in self._exits:
            self._forget_exit(name)
        loop = asyncio.get_running_loop()
        try:
            descriptor = os.pidfd_open(int(running.state["shim"]))
        except ProcessLookupError:
            self.wake()
            return
        self._exits[name] = descriptor
        loop.add_reader(descriptor, self._exited, name)
        pid, spec_file = int(running.state["pid"]), running.folder / "spec.json"
        prober = Prober(container, self.address, pid, spec_file, self.wake)
        self._probers[name] = (running.number, prober)
        self._killing.discard(name)
        prober.begin()

    def _exited(self, name: str) -> None:
        self._forget_exit(name)
        self.wake()

    def _forget_exit(self, name: str) -> None:
        descriptor = self._exits.pop(name, None)
        if descriptor is not None:
            asyncio.get_running_loop().remove_reader(descriptor)
            os.close(descriptor)

    async def _leave(self, name: str) -> None:
        self._forget_exit(name)
        _, prober = self._probers.pop(name, (0, None))
        if prober is not None:
            await prober.end()

    async def close(self) -> None:
        """Lets go of everything but the containers."""
        for name in list(self._probers):
            await self._leave(name)
        if self._ending is not None:
            self._ending.cancel()
            await asyncio.gather(self._ending, return_exceptions=True)

    async def _end(self, pod: Object) -> None:
        """SIGTERM, the grace period, SIGKILL; then the object goes for good."""
        meta = pod["metadata"]
        names = [container["name"] for container in [*pod["spec"]["containers"], *_inits(pod)]]
        running = [attempt for attempt in (self.attempt({"name": name}) for name in names) if attempt.runs]
        grace = float(meta.get("deletionGracePeriodSeconds") or 0)
        for name in names:
            await self._leave(name)
        if running:
            await self._tell(pod, "Killing", f"Stopping {len(running)} containers")
            await asyncio.gather(*(_stop(attempt, grace) for attempt in running))
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

    def status(self, pod: Object, now: float) -> dict[str, Any]:
        """The status that the folders and the probes add up to."""
        policy = pod["spec"].get("restartPolicy", "Always")
        inits = [self._view(container) for container in _inits(pod)]
        mains = [self._view(container) for container in pod["spec"]["containers"]]
        initialized = all(view.attempt.end and not view.attempt.end["exitCode"] for view in inits)
        unready = [view.spec["name"] for view in mains if not view.ready]
        why = f"not ready: {', '.join(unready)}" if unready else ""
        ready = (not unready, "ContainersNotReady" if unready else "", why)
        truths = {
            "PodScheduled": (True, "", ""),
            "Initialized": (initialized, "" if initialized else "ContainersNotInitialized", ""),
            "ContainersReady": ready,
            "Ready": ready,
        }
        refused = next((str(view.attempt.state["mountsRefused"]) for view in mains if _refused(view)), "")
        if refused:
            message = f"the kernel refused mounts ({refused}); volumes stand under KGENTS_POD_ROOT"
            truths["MountsAtTheirPaths"] = (False, "MountRefused", message)
        status = {
            "phase": states.phase(policy, inits, mains),
            "hostIP": self.machine.server[0],
            "podIP": self.address,
            "podIPs": [{"ip": self.address}],
            "startTime": (pod.get("status") or {}).get("startTime") or times.to_text(now),
            "conditions": states.conditions(pod, truths, now),
            "containerStatuses": [states.container_status(view, policy) for view in mains],
        }
        if inits:
            status["initContainerStatuses"] = [states.container_status(view, policy, init=True) for view in inits]
        return status

    def _view(self, container: Object) -> View:
        name = container["name"]
        attempt = self.attempt(container)
        _, prober = self._probers.get(name, (0, None))
        before = attempts.previous(attempt) if attempt.runs else None
        pause = attempts.pause(attempt, self.machine.first_pause) if attempt.end else 0.0
        waiting = self._waiting.get(name)
        if prober is None:
            return View(container, attempt, waiting=waiting, pause=pause, before=before)
        return View(container, attempt, prober.health, waiting, pause, before)


def _inits(pod: Object) -> list[Object]:
    return list(pod["spec"].get("initContainers") or [])


def _refused(view: View) -> bool:
    return bool(view.attempt.state.get("mountsRefused"))


async def _stop(attempt: Attempt, grace: float) -> None:
    """Asks a container to end, and ends it when the grace is over. Returns when it is gone."""
    try:
        descriptor = os.pidfd_open(int(attempt.state["shim"]))
    except ProcessLookupError:
        return
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, gone.set)
    try:
        if grace:
            attempt.signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(grace):
                    await gone.wait()
            except TimeoutError:
                attempt.signal(signal.SIGKILL)
        else:
            attempt.signal(signal.SIGKILL)
        await gone.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
