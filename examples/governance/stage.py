"""What the story needs and does not tell: a namespace, the agent, a short bake time, and the way back from all that."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from kgents.api import times
from kgents.api.errors import KgentsError
from kgents.api.governance.table import POLICY_NAME
from kgents.api.kinds import AGENT, API_VERSION, CONFIG_MAP, HIVE_NAMESPACE, NAMESPACE, PHEROMONE
from kgents.kube import config
from kgents.kube.client import KubeClient
from kgents.kube.errors import Conflict

MANAGER = "governance-story"
"""The field manager of what the story makes and sets."""
HERE = Path(__file__).resolve().parent
PROGRAMS, FREEZE = "governance-programs", "kgents-freeze"
LOOK_EVERY = 0.5
Row = dict[str, Any]


class Stage:
    """The hive of one kubeconfig context, while it is entered."""

    def __init__(self, context: str | None, *, keep: bool) -> None:
        self._config, self._keep = config.load(context), keep
        # A new one each time: T-gent does not hear the same request again that went wrong within the last day.
        self.namespace = f"story-{os.urandom(2).hex()}"
        self._context = ["--context", context] if context else []
        self.bake_is_short, self.frozen = True, False

    def __enter__(self) -> Stage:
        try:
            self._do(self._set_up)
        except KgentsError:
            self._do(self._clear)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._clear)
        print(f"\nThe record stays, for its links hold the audit chain together: kgents audit -n {self.namespace}")

    def signal(self, *payloads: str, type: str, target: str | None = None) -> None:
        """Claimable signals: whoever claims one has it."""

        async def emit(api: KubeClient) -> None:
            for payload in payloads:
                spec = {"type": type, "payload": payload, "source": "story", "claimable": True}
                spec |= {"emittedAt": times.to_micro_text(time.time())} | ({"target": target} if target else {})
                await api.create(
                    PHEROMONE, {"metadata": {"generateName": f"{type.lower()}-"}, "spec": spec}, self.namespace
                )

        self._do(emit)

    def kgents(self, *words: str, quiet: bool = False, check: bool = True) -> str:
        """Runs and shows a command of kgents; its standard output. Raises SystemExit when it fails (under `check`)."""
        namespace = [] if words[0] in ("freeze", "thaw") else ["-n", self.namespace]
        shown = words if words[-1] != "--yes" else words[:-1]
        said = " ".join(f'"{word}"' if " " in word else word for word in ("kgents", *shown))
        whole = [sys.executable, "-P", "-c", "from kgents.cli.main import main; main()"]
        return self._run([*whole, *words, *namespace, *self._context], said, quiet, check)

    def kubectl(self, *words: str) -> None:
        """Shows a kubectl command, if there is a kubectl."""
        beside = Path(sys.executable).with_name("kubectl")
        found = str(beside) if beside.exists() else shutil.which("kubectl")
        if found:
            self._run([found, *words, "-n", self.namespace, *self._context], " ".join(("kubectl", *words)))

    def proposal(self, reason: str, phase: str) -> Row:
        """The proposal whose reason holds these words, as soon as it has this phase."""

        def look() -> Row | None:
            rows = json.loads(self.kgents("proposals", "-o", "json", quiet=True))["items"]
            return next((row for row in rows if reason in row["reason"] and row["phase"] == phase), None)

        return self.until(f"the proposal “{reason}” to be {phase}", look)

    def phase(self, *phases: str) -> Row:
        """The mill's row, as soon as it has one of these phases."""

        def look() -> Row | None:
            row: Row = json.loads(self.kgents("status", "mill", "-o", "json", quiet=True))["item"]
            return row if row["phase"] in phases else None

        return self.until(f"the mill to be {' or '.join(phases)}", look)

    def until(self, what: str, look: Callable[[], Any], timeout: float = 120.0) -> Any:
        """What `look` finds, as soon as it finds something. Raises SystemExit when it does not in time."""
        deadline = time.monotonic() + timeout
        while not (found := look()):
            if time.monotonic() > deadline:
                raise SystemExit(
                    f"The story waited {timeout:.0f} s in vain for {what}: kgents proposals -n {self.namespace}"
                )
            time.sleep(LOOK_EVERY)
        return found

    def _run(self, command: list[str], said: str, quiet: bool = False, check: bool = True) -> str:
        if not quiet:
            print(f"\n  $ {said}", flush=True)
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        if not quiet or done.returncode:
            print("".join(f"    {line}\n" for line in (done.stdout + done.stderr).splitlines()), end="", flush=True)
        if done.returncode and check:
            raise SystemExit(f"{said}: exit code {done.returncode}")
        return done.stdout

    def _do(self, work: Callable[[KubeClient], Awaitable[None]]) -> None:
        async def connected() -> None:
            async with KubeClient(self._config) as api:
                await work(api)

        asyncio.run(connected())

    async def _set_up(self, api: KubeClient) -> None:
        frozen = (await api.get(CONFIG_MAP, FREEZE, HIVE_NAMESPACE)).get("data") or {}
        if frozen:
            raise SystemExit("The hive, or an agent of it, is frozen, and the story would thaw it: kgents thaw first")
        await api.apply(NAMESPACE, {"metadata": {"name": self.namespace}}, field_manager=MANAGER)
        try:
            await api.apply(CONFIG_MAP, _policy({"bake": "15s"}), HIVE_NAMESPACE, field_manager=MANAGER, force=False)
        except Conflict:
            self.bake_is_short = False
        programs = {path.name: path.read_text() for path in sorted(HERE.glob("programs/*.py"))}
        config_map = {"metadata": {"name": PROGRAMS}, "data": programs}
        await api.apply(CONFIG_MAP, config_map, self.namespace, field_manager=MANAGER)
        agent = yaml.safe_load((HERE / "mill.yaml").read_text())
        if urlsplit(self._config.server).netloc.startswith("127."):
            # A laptop hive runs programs of this machine: this Python is one that has kgents.
            agent["spec"]["command"][0] = sys.executable
        await api.apply(AGENT, {"apiVersion": API_VERSION, **agent}, self.namespace, field_manager=MANAGER)

    async def _clear(self, api: KubeClient) -> None:
        if self.frozen:
            self.kgents("thaw", quiet=True)
        if self.bake_is_short:
            # What this manager applied and now leaves out is gone: the bake time is again what it was.
            await api.apply(CONFIG_MAP, _policy({}), HIVE_NAMESPACE, field_manager=MANAGER)
        if not self._keep:
            await api.delete(AGENT, "mill", self.namespace, missing_ok=True)
            await api.delete(CONFIG_MAP, PROGRAMS, self.namespace, missing_ok=True)


def _policy(data: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"name": POLICY_NAME, "namespace": HIVE_NAMESPACE}, "data": data}
