"""The server under test: a process on a port of its own that can be killed and started again."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import psutil


class Server:
    """One embedded API server and its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig"
        self.starts = 0
        self._port = "0"
        self._process: subprocess.Popen[str] | None = None

    async def start(self) -> None:
        """Returns when it answers. Raises RuntimeError with its log if it does not come up."""
        self.starts += 1
        self._process = await asyncio.to_thread(self._spawn)
        assert self._process.stdout is not None
        line = await asyncio.to_thread(self._process.stdout.readline)
        if not line.startswith("ready "):
            raise RuntimeError(f"the API server did not start: {(self.folder / 'log').read_text()[-2000:]}")
        self._port = line.strip().rpartition(":")[2]

    def _spawn(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-P", "-m", "kgents.embedded.apiserver", "--data-dir", str(self.folder)]
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("a") as log:
            return subprocess.Popen([*command, "--port", self._port], stdout=subprocess.PIPE, stderr=log, text=True)

    async def end(self, how: signal.Signals) -> None:
        """Sends a signal and waits until it is gone."""
        process = self._process
        if process is None:
            return
        process.send_signal(how)
        await asyncio.to_thread(process.wait)
        if process.stdout is not None:
            process.stdout.close()
        self._process = None

    @property
    def memory(self) -> float:
        """Its resident memory, in MB."""
        assert self._process is not None
        return float(psutil.Process(self._process.pid).memory_info().rss) / 1e6

    @property
    def disk(self) -> float:
        """What its store takes on disk, in MB."""
        return sum(path.stat().st_size for path in (self.folder / "store").iterdir()) / 1e6
