"""`python -P -m kgents.symbionts.memory`: the sidecar. It runs until SIGTERM."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from kgents.api import times
from kgents.api.errors import KgentsError
from kgents.symbionts.memory import door
from kgents.symbionts.memory.database import Broken, Database, Full, Unavailable
from kgents.symbionts.memory.server import Server
from kgents.symbionts.memory.service import Service
from kgents.symbionts.memory.settings import SettingsFile
from kgents.symbionts.memory.vectors import Vectors

PORT = 7733
LOOK_EVERY, REPORT_EVERY = 1.0, 5.0
STATUS = "status "
"""With this a line of the log begins that says how the memory is; the operators read the last one."""


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m kgents.symbionts.memory", description="The memory of one agent.")
    parser.add_argument("--listen", type=_address, help=f"HOST:PORT (default: $POD_IP or 127.0.0.1, port {PORT})")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the memory")
    parser.add_argument("--token-file", type=Path, required=True, help="where its token is, or is to be made")
    parser.add_argument("--settings", type=Path, help="a JSON file: type, size in bytes, embeddings {url, model}")
    parser.add_argument("--ask", action="store_true", help="only ask the one that runs here whether it is well")
    options = parser.parse_args(arguments)
    address = options.listen or (os.environ.get("POD_IP") or "127.0.0.1", PORT)
    try:
        return ask(address) if options.ask else Sidecar(options, address).run()
    except (KgentsError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


class Sidecar:
    """Everything that is at work in it."""

    def __init__(self, options: argparse.Namespace, address: tuple[str, int]) -> None:
        self._settings = SettingsFile(_there(options.settings) if options.settings else None)
        self._database = Database(_there(options.data))
        self._database.resize(self._settings.current.size)
        token = door.make_token(_there(options.token_file))
        self._service = Service(self._database, self._settings.current, token, self._give_up)
        self._adopt()
        self._server = Server(address, self._service.admit, self._service.handle)
        self._stop = threading.Event()
        self._damage = ""
        self._said, self._said_at = "", 0.0

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        if aside := self._database.set_aside:
            tell(f"the file was damaged: it is kept as {aside}, and a fresh memory has begun")
            self._service.store.note("setAside", aside)
        tell("listening on {}:{}".format(*self._server.address))
        threading.Thread(target=self._server.serve, name="server", daemon=True).start()
        while not self._stop.wait(LOOK_EVERY):
            self._look()
        self._server.close()
        self._database.close()
        if self._damage:
            tell(f"the file is damaged ({self._damage}): the next start sets it aside")
        return 1 if self._damage else 0

    def _look(self) -> None:
        """Takes up changed settings, lets vectors catch up, and says how the memory is, if that has changed."""
        trouble = self._settings.trouble
        if self._settings.look():
            self._database.resize(self._settings.current.size)
            self._adopt()
            tell(f"new settings: {self._settings.current}")
        elif self._settings.trouble != trouble and self._settings.trouble:
            tell(self._settings.trouble)
        try:
            if self._service.vectors is not None:
                self._service.vectors.catch_up()
            self._report()
        except Broken as error:
            self._give_up(str(error))
        except Unavailable as error:
            tell(f"the memory cannot be used just now: {error}")

    def _adopt(self) -> None:
        settings = self._settings.current
        vectors = None
        if settings.type == "Vector":
            vectors = Vectors(self._database, settings.endpoint, os.environ.get("KGENTS_MODEL_KEY", ""))
        self._service.adopt(settings, vectors)

    def _report(self) -> None:
        if time.monotonic() < self._said_at + REPORT_EVERY and self._said:
            return
        status = json.dumps(self._service.status())
        if status == self._said:
            return
        self._said, self._said_at = status, time.monotonic()
        tell(STATUS + status)
        with contextlib.suppress(Full):  # then a restart forgets when it was used last, and nothing else
            self._service.store.note("lastAccess", self._service.last_access)

    def _give_up(self, why: str) -> None:
        self._damage = why
        self._stop.set()


def ask(address: tuple[str, int]) -> int:
    """0 when it answers, else 1: for probes where nobody outside of the pod reaches it."""
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: memory\r\n\r\n")
        return 0 if b" 200 " in connection.recv(64) else 1


def tell(line: str) -> None:
    """A line of the log."""
    sys.stdout.write(line if line.startswith(STATUS) else f"{times.to_text(time.time())} {line}")
    sys.stdout.write("\n")
    sys.stdout.flush()


def _there(path: Path) -> Path:
    """The path, or below $KGENTS_POD_ROOT where this machine refuses mounts."""
    root = os.environ.get("KGENTS_POD_ROOT")
    inside = Path(root, *path.parts[1:]) if root else path
    return inside if inside.parent.exists() and not path.parent.exists() else path


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host, int(port)


if __name__ == "__main__":
    sys.exit(main())
