"""One pod on this machine: starts its containers, restarts what ends, and says what became of them.

All that must last is in the pod's folder, so that a new runtime goes on where a killed one stopped:

    pods/<uid>/pod.json                 whose folder this is, and its address
    pods/<uid>/volumes/<name>/          emptyDir and files of ConfigMaps, Secrets and tokens
    pods/<uid>/containers/<name>/<n>/   the n-th attempt to run a container
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from kgents.api import times
from kgents.api.errors import KgentsError
from kgents.api.kinds import POD
from kgents.embedded.controllers.events import Recorder
from kgents.embedded.runtime import attempts, conflicts, environment, states, volumes
from kgents.embedded.runtime.attempts import Attempt
from kgents.embedded.runtime.endings import Ending
from kgents.embedded.runtime.environment import Missing
from kgents.embedded.runtime.probes import Prober
from kgents.embedded.runtime.sources import Sources
from kgents.embedded.runtime.states import View
from kgents.embedded.runtime.stopping import stop_containers
from kgents.embedded.runtime.volumes import Unsupported
from kgents.kube.client import KubeClient

Object = Mapping[str, Any]
_LOOK_AGAIN = 2.0
_WAKE_CHECK = 60.0
_PORTS_AGAIN = 5.0
_IDLE = 300.0
_STARTING = 0.05
_LEAST_GRACE = 2.0


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
        self._lock = asyncio.Lock()
        self._dismissed = False
        self._ending: Ending | None = None
        self._goodbye: asyncio.Task[None] | None = None
        self._conflict: str | None = None
        self._told: set[tuple[str, str]] = set()

    async def look(self, pod: Object) -> float:
        """Does what is due. Returns the seconds until the next look is."""
        async with self._lock:
            if self._dismissed:
                return _IDLE
            if pod["metadata"].get("deletionTimestamp"):
                return await self._end(pod)
            return await self._keep(pod)

    async def _keep(self, pod: Object) -> float:
        self._waiting.clear()
        pod = {**pod, "status": {**(pod.get("status") or {}), "podIP": self.address}}
        try:
            places = await self._lay_volumes(pod)
        except (Missing, Unsupported) as error:
            reason = "CreateContainerConfigError" if isinstance(error, Missing) else "VolumeUnsupported"
            self._waiting = {c["name"]: (reason, str(error)) for c in [*pod["spec"]["containers"], *_inits(pod)]}
            await self._tell(pod, "FailedMount", str(error), warning=True)
            return _LOOK_AGAIN
        policy = pod["spec"].get("restartPolicy", "Always")
        again = _WAKE_CHECK
        for container in _inits(pod):
            last = self.attempt(container)
            if states.is_sidecar(container):
                again = min(again, await self._care(pod, container, last, places, "Always"))
                if not self._view(container).started:
                    return again
            elif not last.end or last.end["exitCode"]:
                init_policy = "OnFailure" if policy == "Always" else policy
                return min(again, await self._care(pod, container, last, places, init_policy))
        for container in pod["spec"]["containers"]:
            again = min(again, await self._care(pod, container, self.attempt(container), places, policy))
        await self._end_sidecars(pod, policy)
        return min(again, await self._see_ports(pod))

    async def _end_sidecars(self, pod: Object, policy: str) -> None:
        """They have nobody to serve once all main containers are over."""
        mains = [self.attempt(container) for container in pod["spec"]["containers"]]
        if not all(last.end and not states.restarts(policy, last) for last in mains):
            return
        running = [last for last in map(self.attempt, _inits(pod)) if last.runs]
        for container in _inits(pod):
            await self._leave(container["name"])
        await Ending(running, _grace(pod)).wait()

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

    async def _lay_volumes(self, pod: Object) -> dict[str, Path]:
        """Every volume's folder, its files brought up to date."""
        places = {}
        namespace = pod["metadata"]["namespace"]
        content = partial(self.machine.sources.content, namespace)
        for volume in pod["spec"].get("volumes") or []:
            place = volumes.place(volume, self.folder, self.machine.claims, namespace)
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            if volumes.projected_sources(volume):
                await self._lay(pod, volume, place, content)
            places[volume["name"]] = place
        return places

    async def _lay(self, pod: Object, volume: Object, place: Path, content: volumes.Content) -> None:
        try:
            tokens = await self.machine.sources.tokens(pod, volume)
            volumes.lay(place, volumes.gather(volume, pod, content, tokens))
        except KgentsError as error:
            if not (place / "..data").exists():
                raise
            # As with the kubelet, what runs keeps the files it has.
            await self._tell(pod, "FailedMount", str(error), warning=True)

    def attempt(self, container: Object) -> Attempt:
        return attempts.newest(self.folder / "containers" / container["name"])

    async def _care(
        self, pod: Object, container: Object, last: Attempt, places: Mapping[str, Path], policy: str
    ) -> float:
        """Starts a container that is due, ends one that is sick. Returns when to look again."""
        name = container["name"]
        if last.starts:
            return _STARTING
        if last.runs:
            self._attend(container, last)
            sick = self._probers[name][1].health.sick if name in self._probers else ""
            if sick and name not in self._killing:
                self._killing.add(name)
                await self._tell(pod, "Unhealthy", f"container {name}: {sick}; it is restarted", warning=True)
                Ending([last], _grace(pod))
            return _WAKE_CHECK
        await self._leave(name)
        if last.end and not states.restarts(policy, last):
            return _IDLE
        due = self._due(last) - time.time()
        if due > 0:
            message = f"Back-off restarting failed container {name} in pod {pod['metadata']['name']}"
            await self._tell(pod, "BackOff", message, warning=True)
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
        name = container["name"]
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
        root = self.folder / "roots" / container["name"]
        env = environment.of_container(pod, container, {**given, "KGENTS_POD_ROOT": str(root)}, lookup)
        mounts = volumes.mounts(container, places, env)
        volumes.show(root, mounts)
        return {
            "argv": environment.command_line(container, env),
            "env": env,
            "cwd": container.get("workingDir") or str(home),
            "mounts": mounts,
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
        async with self._lock:
            self._dismissed = True
            for name in list(self._probers):
                await self._leave(name)
            if self._ending is not None:
                self._ending.cancel()
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
            names = [container["name"] for container in [*pod["spec"]["containers"], *_inits(pod)]]
            found = [self.attempt({"name": name}) for name in names]
            if any(attempt.starts for attempt in found):
                return _STARTING
            for name in names:
                await self._leave(name)
            running = [attempt for attempt in found if attempt.runs]
            if running:
                await self._tell(pod, "Killing", f"Stopping {len(running)} containers")
            self._ending = Ending(running, grace)
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
        """Once all is over, the object goes for good."""
        await ending.wait()
        meta = pod["metadata"]
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
        initialized = all(view.initialized for view in inits)
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
        if refused or _has_condition(pod, "MountsAtTheirPaths"):
            message = f"mounts are refused ({refused}): volumes stand below $KGENTS_POD_ROOT, and none is read-only"
            truths["MountsAtTheirPaths"] = (False, "MountRefused", message) if refused else (True, "", "")
        if self._conflict or _has_condition(pod, "PortInUse"):
            truths["PortInUse"] = (bool(self._conflict), "PortInUse" if self._conflict else "", self._conflict or "")
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


def _has_condition(pod: Object, kind: str) -> bool:
    return any(one["type"] == kind for one in (pod.get("status") or {}).get("conditions") or [])


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
