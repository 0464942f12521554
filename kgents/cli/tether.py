"""`kgents tether`: an agent's ports, its log and its signals, in one terminal."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import queue
import signal as signals
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import typer

from kgents.api.errors import KgentsError
from kgents.cli import options
from kgents.cli.columns import printable
from kgents.cli.output import coloured
from kgents.cli.session import Session, open_session, tell
from kgents.glass.ending import Ending
from kgents.glass.look import POLL_SECONDS, Freshness

_JOIN = 2.0
_SIGNAL_AT_ONCE = 130


def tether(
    agent: Annotated[str, typer.Argument(help="The agent's name.")],
    ports: Annotated[
        list[str] | None, typer.Argument(metavar="[PORT]...", help="8080, 8080:80 or :80; else the agent's own.")
    ] = None,
    tail: Annotated[int, typer.Option("--tail", help="Begin with so many of the last lines.", min=0)] = 10,
    namespace: options.Namespace = None,
    context: options.Context = None,
) -> None:
    """An agent's ports on this machine, its log and its signals, until Ctrl-C lets it go. It runs on as it was.

    On a cluster it takes the right to get and create pods/portforward, and a program there does not hear that a client
    sends no more, only that it is gone.

    Example: kgents tether library 8080
    """
    gc.enable()  # it lives long
    session = open_session(context, namespace)
    row = session.read("agents.get", Freshness(require_live=True), agent=agent).rows()[0]

    from kgents.glass import forwarding  # with aiohttp, for this command alone

    own = forwarding.own_ports(row.get("spec") or {})
    wanted = [forwarding.parse_port(one, own) for one in ports or ()]
    wanted = wanted or [forwarding.Port(number, number, asked=False) for number in dict.fromkeys(own.values())]
    logging.getLogger("kgents").addHandler(logging.NullHandler())  # what matters is told below
    if row.get("suspended"):
        tell(f"◎ {agent} is paused: nothing answers until kgents resume {agent}")
    failed = asyncio.run(_Tether(session, agent, tail).hold(wanted))
    if failed is not None:
        raise failed


class _Tether:
    """One agent, held until somebody lets go."""

    def __init__(self, session: Session, agent: str, tail: int) -> None:
        self._session, self._agent, self._tail = session, agent, tail
        self._ending = Ending()
        self._printing = threading.Lock()
        self._said: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._show = _painter() if coloured() else _plain
        self._let_go = asyncio.Event()
        self._failed: Exception | None = None

    async def hold(self, ports: Sequence[Any]) -> Exception | None:
        """Returns once it was interrupted, or with what went wrong. Raises KgentsError for ports that cannot be had."""
        from kgents.glass import forwarding

        loop, let_go = asyncio.get_running_loop(), self._let_go

        def interrupted() -> None:
            if let_go.is_set():
                os._exit(_SIGNAL_AT_ONCE)
            let_go.set()

        for number in (signals.SIGINT, signals.SIGTERM):
            loop.add_signal_handler(number, interrupted)
        readers = [
            threading.Thread(target=self._read, args=(lines, loop), daemon=True) for lines in (self._log, self._signals)
        ]
        teller = threading.Thread(target=self._tell_on, args=(loop,), daemon=True)
        teller.start()
        try:
            if not ports:
                self._begin(readers, "log and signals (it has no port)")
                await let_go.wait()
                return self._failed
            target = self._session.target
            async with forwarding.forwarded(target, self._session.namespace, self._agent, ports, self._note) as opened:
                for port in opened:
                    self._note(f"► {forwarding.LOCALHOST}:{port.local} → {self._agent}:{port.remote}")
                self._begin(readers, "log and signals")
                await let_go.wait()
            return self._failed
        finally:
            self._ending.end()
            if let_go.is_set() and not self._failed:
                self._note(f"◎ let go of {self._agent}; nothing of it is stopped")
            self._said.put(None)
            for thread in (*readers, teller):
                if thread.ident is not None:
                    await asyncio.to_thread(thread.join, _JOIN)
            if any(thread.is_alive() for thread in readers):
                os._exit(0)  # nobody reads what is printed: to wait for that would be to hang

    def _begin(self, readers: Sequence[threading.Thread], what: str) -> None:
        self._note(f"◎ {what} of {self._agent} in {self._session.place}; Ctrl-C lets go")
        for reader in readers:
            reader.start()

    def _note(self, line: str) -> None:
        """Said on stderr, by a thread of its own: a terminal that is held must not hold the connections."""
        self._said.put(printable(line))

    def _tell_on(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            while (line := self._said.get()) is not None:
                tell(line)
        except OSError as error:
            self._end_with(error, loop)

    def _end_with(self, error: OSError, loop: asyncio.AbstractEventLoop) -> None:
        """Ends the tether, for nobody reads what it prints."""
        if not self._ending.ended:
            self._failed = error
            loop.call_soon_threadsafe(self._let_go.set)

    def _read(self, lines: Callable[[], Iterator[tuple[str, str]]], loop: asyncio.AbstractEventLoop) -> None:
        """Prints what is read, and begins again where it breaks."""
        told = ""
        try:
            while not self._ending.ended:
                try:
                    for kind, text in lines():
                        told = ""
                        with self._printing:
                            self._show(kind, text)
                        if self._ending.ended:
                            return
                except KgentsError as error:
                    if not self._ending.ended and str(error) != told:
                        told = str(error)
                        self._note(f"◎ {told}")
                self._ending.wait(POLL_SECONDS)
        except OSError as error:
            self._end_with(error, loop)

    def _log(self) -> Iterator[tuple[str, str]]:
        tail, self._tail = self._tail, 0
        glass, namespace = self._session.glass, self._session.namespace
        for line in glass.follow_logs(self._agent, namespace, tail, self._ending):
            yield "log", line

    def _signals(self) -> Iterator[tuple[str, str]]:
        """Those that it gives and those that are meant for it, as they come; what is in the air already is no news."""

        def pause() -> None:
            self._ending.wait(POLL_SECONDS)

        events = self._session.glass.watch(
            "pheromones.sense",
            namespace=self._session.namespace,
            bindings={},
            arguments={},
            pause=pause,
            ending=self._ending,
        )
        begun = False
        for type, item, _ in events:
            begun = begun or type == "SYNCED"
            if begun and type == "ADDED":
                row = json.loads(item)
                if self._agent in (row.get("source"), row.get("target")):
                    yield str(row["type"]), _sentence(row)


def _sentence(row: dict[str, Any]) -> str:
    target = f" to {row['target']}" if row.get("target") else ""
    payload = f": {row['payload']}" if row.get("payload") else ""
    return f"{row['type']} {row['intensity']:.2f} from {row.get('source') or 'nobody'}{target}{payload}"


def _plain(kind: str, text: str) -> None:
    sys.stdout.write(f"{'log' if kind == 'log' else 'signal':<6} │ {printable(text)}\n")
    sys.stdout.flush()


def _painter() -> Callable[[str, str], None]:
    """The same in the colours of Terrarium."""
    from rich.console import Console
    from rich.text import Text

    from kgents.looks import DARK, HUES, OTHER_HUE

    console = Console(highlight=False, emoji=False, markup=False)

    def show(kind: str, text: str) -> None:
        if kind == "log":
            line = Text.assemble(("log    │ ", DARK["quiet"]), printable(text))
        else:
            line = Text.assemble(("signal │ ", DARK["quiet"]), (printable(text), HUES.get(kind, OTHER_HUE)))
        console.print(line, soft_wrap=True)
        sys.stdout.flush()

    return show
