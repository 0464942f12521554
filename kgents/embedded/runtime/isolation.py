"""Keeps pods from the hive's keys and store, from each other's files, and from other processes of this machine.

What this kernel allows is tried at the start of the runtime, with a program that looks for a file that it must not
find. What then holds is said where people look: on the Node, in `kgents infra status`, and in conditions of pods.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kgents
from kgents.embedded.runtime.isolation_paths import Plan
from kgents.embedded.runtime.launcher import kernel, shim
from kgents.embedded.runtime.security import wanted
from kgents.embedded.runtime.stopping import read_json
from kgents.embedded.runtime.volumes import Unsupported
from kgents.infra.home import home

Object = Mapping[str, Any]
CREDENTIALS = (".kube", ".ssh", ".gnupg", ".aws", ".azure", ".config/gcloud", ".docker")
"""Folders of a home in which people keep keys."""
OF_ROOT = (
    *("/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/ssh", "/etc/kubernetes"),
    *("/etc/rancher", "/etc/ssl/private"),
)
REPORT = "isolation.json"
ANNOTATION = "kgents.io/isolation"
SCOPES_SINCE = 6
"""The version of Landlock from which on it also bounds signals and abstract sockets."""
_FOUND = 42
_TRIAL = f'read x < "$1" && exit {_FOUND}; exit 0'
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Means:
    """What this machine has. `landlock` is its version, 0 for none; `spaces`: namespaces of processes and mounts."""

    landlock: int = 0
    spaces: bool = False
    why: str = ""

    @property
    def mode(self) -> str:
        """landlock or none, as `kgents infra status` says it."""
        return "landlock" if self.landlock else "none"

    def told(self) -> dict[str, Any]:
        """{"mode", "landlockABI", "protects", "lacks"} for people and programs."""
        protects: list[str] = []
        lacks: list[str] = []
        files = "the hive's keys and store, other pods' files and your home"
        (protects if self.landlock or self.spaces else lacks).append(files)
        alone = self.spaces or self.landlock >= SCOPES_SINCE
        (protects if alone else lacks).append("signals to other processes")
        (protects if self.landlock or self.spaces else lacks).append("memory and environment of other processes")
        (protects if self.spaces else lacks).append("sockets, terminals and temporary files of other programs")
        lacks.append("the network: NetworkPolicies are stored but not enforced")
        found: dict[str, Any] = {"mode": self.mode, "landlockABI": self.landlock, "protects": protects, "lacks": lacks}
        return found | ({"reason": self.why} if self.why else {})


@dataclass(frozen=True, slots=True)
class Fence:
    """Around all pods of a runtime: `kept` are the places that none may reach, links resolved."""

    means: Means
    kept: tuple[str, ...]
    home: str

    def around(
        self, pod: Object, container: Object, spec: Mapping[str, Any], own: Mapping[str, bool]
    ) -> dict[str, Any]:
        """The `isolation` of a container's spec.json. `own`: folders of its pod's, and whether it may write there.

        Raises Unsupported.
        """
        asked = wanted(pod, container, os.geteuid(), os.getegid(), spaces=self.means.spaces)
        plan = Plan(self.kept, self.home)
        plan.system()
        for prefix in dict.fromkeys((sys.prefix, sys.base_prefix)):
            plan.prefix(prefix)
        plan.tools(spec["env"])
        plan.command(spec["argv"], spec["env"], spec["cwd"])
        package = plan.trace(str(Path(kgents.__file__).parent))
        if plan.allow(package):
            plan.listed[str(Path(package).parent)] = None
        notes = self._open_cwd(plan, spec["cwd"], own)
        sources = {str(mount["source"]): not mount["readOnly"] for mount in spec["mounts"]}
        for path, writable in (*own.items(), *sources.items()):
            (plan.write if writable else plan.read)[path] = None
        if asked.read_only_root:
            _only_read(plan, sources)
        return {
            "landlock": bool(self.means.landlock),
            "spaces": self.means.spaces,
            "why": self.means.why,
            "read": list(plan.read),
            "write": list(plan.write),
            "list": list(plan.listed),
            "own": [*own, *sources],
            "links": plan.links,
            "folders": plan.folders,
            "hidden": [*self.kept, *OF_ROOT],
            "capabilities": asked.capabilities,
            "user": asked.user,
            "readOnlyRoot": asked.read_only_root,
            "notes": notes,
            "unmet": asked.unmet,
        }

    def _open_cwd(self, plan: Plan, cwd: str, own: Iterable[str]) -> list[str]:
        """What there is to say of the working directory. Raises Unsupported for one that no pod may use."""
        real = plan.trace(cwd)
        if any(Path(real).is_relative_to(path) for path in own):
            return []
        if plan.is_kept(real):
            raise Unsupported(
                f"The workingDir {cwd} is kept from pods",
                why="it holds keys or other pods' files",
                fix="Choose a folder of the agent's own",
            )
        if plan.working_dir(cwd):
            return []
        inside = ", ".join(path for path in self.kept if Path(path).is_relative_to(real) and Path(path).exists())
        closed = f"workingDir {cwd} holds what is kept from pods ({inside or 'or may come to'})"
        return [f"{closed}: the rest can be used, but nothing new can be made directly in it"]


def _only_read(plan: Plan, volumes: Mapping[str, bool]) -> None:
    """As on a read-only root: what is not a volume (or a device) cannot be changed."""
    fixed = [path for path in plan.write if path not in volumes and not path.startswith("/dev/")]
    for path in fixed:
        del plan.write[path]
        plan.read[path] = None


def report(means: Means, root: Path) -> None:
    """For `kgents infra status`, which has to know without asking anybody."""
    shim.write_json(str(root / REPORT), means.told())


def node_annotations(means: Means) -> dict[str, str | None]:
    """For the Node."""
    return {ANNOTATION: means.mode, f"{ANNOTATION}-reason": means.why or None}


def fence(means: Means, root: Path, secret: Iterable[Path]) -> Fence:
    """Keeps from pods the hive in `root`, the home of kgents, `secret` and where people keep keys."""
    user = Path.home()
    if os.geteuid() == 0 and not means.spaces:
        secret = [*secret, *map(Path, OF_ROOT)]  # else they are covered
    found = [root, home(), *secret, *(user / name for name in CREDENTIALS)]
    return Fence(means, tuple(dict.fromkeys(str(path.expanduser().resolve()) for path in found)), str(user.resolve()))


async def explore(root: Path) -> Means:
    """Tries what this machine allows, the best first. What fails is told in `why`."""
    found, why = kernel.landlock(), []
    if not found:
        why.append("this kernel has no Landlock, or may not use it")
    for landlock in (True, False) if found else (False,):
        for spaces in (True, False):
            if not landlock and not spaces:
                continue
            trouble = await _try(root, landlock=landlock, spaces=spaces)
            if not trouble:
                return Means(found if landlock else 0, spaces, "; ".join(why))
            why.append(f"{'Landlock' if landlock else 'no Landlock'}{' with namespaces' * spaces}: {trouble}")
    return Means(0, False, "; ".join(why))


async def _try(root: Path, *, landlock: bool, spaces: bool) -> str:
    """Runs a program that looks for a file. What went wrong, "" when it did not find it."""
    real = await asyncio.to_thread(root.resolve)
    folder = Path(tempfile.mkdtemp(prefix=".trial-", dir=real))
    try:
        (folder / "secret").write_text("x\n")
        for path in (folder / "0", folder / "staging"):
            path.mkdir()
        bare = Fence(Means(int(landlock), spaces), (str(real),), "/")
        spec = {
            "argv": ["/bin/sh", "-c", _TRIAL, "sh", str(folder / "secret")],
            "env": {"PATH": os.defpath},
            "cwd": "/",
            "mounts": [],
            "staging": str(folder / "staging"),
            "logLimit": 4096,
        }
        pod: Object = {"spec": {}}
        shim.write_json(str(folder / "0" / "spec.json"), {**spec, "isolation": bare.around(pod, {}, spec, {})})
        end = await _run(folder / "0")
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    if end is None:
        return "no answer"
    if "trouble" in end:
        return str(end["trouble"][1])
    return "" if end["exitCode"] == 0 else "a program found what it must not find"


async def _run(folder: Path) -> dict[str, Any] | None:
    keeper = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", shim.__file__, str(folder)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
    )
    await keeper.wait()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            while not (end := read_json(folder / "exit.json")):
                await asyncio.sleep(0.005)
            return end
    return None
