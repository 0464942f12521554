"""The signals that one agent gave and that reach it, fading; and the proposals about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

from rich.segment import Segment

from kgents.terrarium.columns import Column, Placed, cells, place, titles
from kgents.terrarium.draw import Line, age, bar, clean, fit
from kgents.terrarium.hive import Key, Row, Signal
from kgents.terrarium.ink import Ink
from kgents.terrarium.widgets import proposals
from kgents.terrarium.widgets.rows import Rows
from kgents.terrarium.widgets.signal_style import type_style

if TYPE_CHECKING:
    from kgents.terrarium.app import TerrariumApp


class Shown(NamedTuple):
    signal: Signal
    given: bool
    now: float


def _way(one: Shown, width: int, ink: Ink) -> Line:
    if one.given:
        return [Segment("→ gave", ink.style("deed"))]
    return [Segment("← gets", ink.style("activity"))]


def _type(one: Shown, width: int, ink: Ink) -> Line:
    type = clean(str(one.signal.row.get("type")))
    return [Segment(fit(type, width), type_style(type, ink))]


def _strength(one: Shown, width: int, ink: Ink) -> Line:
    value = one.signal.at(one.now)
    return [*bar(value, width - 5, ink), Segment(f" {value:.2f}", ink.style("text"))]


def _other(one: Shown, width: int, ink: Ink) -> Line:
    row = one.signal.row
    name = (row.get("target") or "everybody") if one.given else (row.get("source") or "somebody")
    return [Segment(fit(clean(f"{'to' if one.given else 'from'} {name}"), width), ink.style("quiet"))]


def _payload(one: Shown, width: int, ink: Ink) -> Line:
    return [Segment(fit(clean(str(one.signal.row.get("payload") or "")), width), ink.style("text"))]


def _age(one: Shown, width: int, ink: Ink) -> Line:
    return [Segment(age(max(one.now - one.signal.decay.emitted, 0.0)), ink.style("quiet"))]


COLUMNS: tuple[Column[Shown], ...] = (
    Column("", 6, 1, _way),
    Column("TYPE", 11, 0, _type, widest=14),
    Column("NOW", 13, 2, _strength),
    Column("", 12, 4, _other, widest=24),
    Column("SAYS", 12, 3, _payload, widest=80),
    Column("AGE", 6, 5, _age, right=True),
)


class AgentSignals(Rows):
    """The strongest now first."""

    def __init__(self, agent: Key, *, id: str) -> None:
        super().__init__(id=id)
        self._agent = agent
        self._given: dict[Key, bool] = {}
        self._keys: list[Key] = []
        self._placed: tuple[int, Placed[Shown]] = (-1, [])

    @property
    def terrarium(self) -> TerrariumApp:
        return cast("TerrariumApp", self.app)

    def keys(self) -> Sequence[Key]:
        return self._keys

    def reorder(self) -> None:
        hive, now, (namespace, name) = self.terrarium.hive, self.terrarium.clock(), self._agent
        reacts = set((hive.agents.get(self._agent) or {}).get("reactsTo") or ())
        about: dict[Key, tuple[float, bool]] = {}
        for key, signal in hive.signals.items():
            row = signal.row
            if key[0] != namespace:
                continue
            given, target = row.get("source") == name, row.get("target")
            if given or target == name or (not target and row.get("type") in reacts):
                about[key] = -signal.at(now), given
        self._given = {key: given for key, (faded, given) in about.items() if faded}
        self._keys = sorted(self._given, key=lambda key: (about[key][0], key))
        self.renewed()

    def head(self, width: int) -> Line | None:
        return titles(self._columns(width), self.ink) if self._keys else None

    def draw(self, key: Key, width: int, *, chosen: bool) -> Line:
        signal = self.terrarium.hive.signals.get(key)
        if signal is None:
            return []
        shown = Shown(signal, self._given.get(key, False), self.terrarium.clock())
        return cells(self._columns(width), shown, self.ink)

    def nothing(self) -> str:
        return "No signal in the air is from it or for it."

    def _columns(self, width: int) -> Placed[Shown]:
        if self._placed[0] != width:
            self._placed = (width, place(COLUMNS, width))
        return self._placed[1]


class AgentProposals(Rows):
    """Those that it asked for, and those that would change it; the newest first."""

    def __init__(self, agent: Key, *, id: str) -> None:
        super().__init__(id=id)
        self._agent = agent
        self._keys: list[Key] = []
        self._placed: tuple[int, Placed[proposals.Shown]] = (-1, [])

    @property
    def terrarium(self) -> TerrariumApp:
        return cast("TerrariumApp", self.app)

    def keys(self) -> Sequence[Key]:
        return self._keys

    def reorder(self) -> None:
        found = [(key, row) for key, row in self.terrarium.hive.proposals.items() if is_about(row, self._agent)]
        found.sort(key=lambda pair: (pair[1].get("ageSeconds") or 0.0, pair[0]))
        self._keys = [key for key, _ in found]
        self.renewed()

    def draw(self, key: Key, width: int, *, chosen: bool) -> Line:
        row = self.terrarium.hive.proposals.get(key)
        if row is None:
            return []
        if self._placed[0] != width:
            self._placed = (width, place(proposals.COLUMNS, width))
        return cells(self._placed[1], proposals.Shown(key, row, self.terrarium.clock()), self.ink)

    def nothing(self) -> str:
        return "Nobody wants to change it, and it wants no change."


def is_about(row: Row, agent: Key) -> bool:
    """Whether a proposal would change this agent, its memory or its umwelt, or is by it."""
    namespace, name = agent
    kind, _, target = str(row.get("target") or "").partition("/")
    where = row.get("targetNamespace") or row.get("namespace")
    if (target, where) == (name, namespace) and kind in ("Agent", "Memory", "Umwelt"):
        return True
    proposer = str(row.get("proposer") or "")
    own = row.get("namespace") == namespace and proposer == name
    return own or proposer == f"system:serviceaccount:{namespace}:{name}"
