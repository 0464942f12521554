"""A machine with nothing on it but kgents: a home and a kubeconfig of its own, and the real command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kgents.embedded.runtime.stopping import is_alive
from tests.support.kubectl import Kubectl

Done = subprocess.CompletedProcess[str]
KGENTS = Path(sys.executable).with_name("kgents")


@dataclass(frozen=True)
class Machine:
    """Everything of it lies below `root`."""

    root: Path
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @property
    def hive(self) -> Path:
        """The folder of the usual hive."""
        return self.home / "hives" / "laptop"

    @property
    def environment(self) -> dict[str, str]:
        """kubectl beside this Python comes first on the PATH; nobody else's settings have a say."""
        path = f"{KGENTS.parent}{os.pathsep}{os.environ['PATH']}"
        own = {"PATH": path, "HOME": str(self.root), "KGENTS_HOME": str(self.home), "KUBECONFIG": str(self.kubeconfig)}
        return {**own, **self.extra}

    @property
    def kubectl(self) -> Kubectl:
        return Kubectl(self.kubeconfig)

    def run(self, *words: str, input: str = "", timeout: float = 150, **more: Any) -> Done:
        """`kgents words…`, whatever comes of it; there is no terminal."""
        return subprocess.run(
            [str(KGENTS), *words],
            env=self.environment,
            input=input,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            **more,
        )

    def __call__(self, *words: str, **more: Any) -> str:
        """What it prints on stdout. Fails the test when it fails."""
        done = self.run(*words, **more)
        assert done.returncode == 0, f"kgents {' '.join(words)}: exit {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *words: str) -> Any:
        """Its output under `-o json`, parsed."""
        return json.loads(self(*words, "-o", "json"))

    def agents(self) -> dict[str, dict[str, Any]]:
        """The rows of `kgents status`, by name."""
        return {row["name"]: row for row in self.json("status")["items"]}

    def popen(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        """A command that goes on, such as `observe -f`; the caller ends it."""
        return subprocess.Popen(
            [str(KGENTS), *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **more,
        )

    def supervisor(self) -> dict[str, Any]:
        """What the supervisor says of itself and its processes."""
        said: dict[str, Any] = json.loads((self.hive / "supervisor.json").read_bytes())
        return said

    def pid(self, process: str) -> int | None:
        """The pid of one of the hive's processes, None while it is away."""
        pid: int | None = self.supervisor()["processes"][process]["pid"]
        return pid

    def programs(self) -> dict[str, int]:
        """The pids of the agents' programs that run, by the folder of their container."""
        found = {}
        for path in self.hive.glob("pods/*/containers/*/*/state.json"):
            state = json.loads(path.read_bytes())
            if not (path.parent / "exit.json").exists() and is_alive(state["pid"], state["pidStart"]):
                found[str(path.parent)] = int(state["pid"])
        return found

    def processes(self) -> dict[int, str]:
        """Every process of this machine's hives: whose environment or command line speaks of its home."""
        found = {}
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit() or int(folder.name) == os.getpid():
                continue
            try:
                command = (folder / "cmdline").read_bytes()
                told = command + (folder / "environ").read_bytes()
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue  # it ended meanwhile, or is not ours
            if os.fsencode(self.home) in told:
                found[int(folder.name)] = command.replace(b"\0", b" ").decode(errors="replace")
        return found

    def clear(self) -> None:
        """Leaves nothing running and nothing behind."""
        for folder in sorted(self.home.glob("hives/*")):
            self("infra", "delete", "--yes", "--name", folder.name)
