"""AGENTS: who is there, and how busy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import ClassVar, NamedTuple

from rich.segment import Segment

from kgents.api.selecting import Selector
from kgents.looks import HEALTH, NO_LOOK, PHASE, Tone
from kgents.terrarium import ordering
from kgents.terrarium.columns import Column, Placed, cells, place, titles
from kgents.terrarium.draw import UNKNOWN, Line, age, bar, clean, fit, percent, sparkline
from kgents.terrarium.hive import Key, Row, age_of
from kgents.terrarium.ink import Ink
from kgents.terrarium.widgets.pane import Pane

MARK = 2


class Shown(NamedTuple):
    """An agent as its columns see it."""

    key: Key
    row: Row
    history: list[float | None]
    now: float


def _name(one: Shown, width: int, ink: Ink) -> Line:
    look = PHASE.get(str(one.row.get("phase")), NO_LOOK)
    return [
        Segment(f"{look.glyph} ", ink.style(look.tone)),
        Segment(fit(clean(one.key[1]), width - 2), ink.style("text")),
    ]


def _activity(one: Shown, width: int, ink: Ink) -> Line:
    value = one.row.get("activity")
    share = float(value) if isinstance(value, (int, float)) else None
    tone: Tone = "watch" if share is not None and share >= 0.7 else "well"
    figure = Segment(fit(percent(share), 5, right=True), ink.style("quiet"))
    return [*bar(share, width - 5, ink, tone), figure] if width >= 9 else [figure]


def _spark(one: Shown, width: int, ink: Ink) -> Line:
    return [Segment(sparkline(one.history, width), ink.style("activity"))]


def _phase(one: Shown, width: int, ink: Ink) -> Line:
    phase = str(one.row.get("phase"))
    tone = PHASE.get(phase, NO_LOOK).tone
    restarts = one.row.get("restarts") or 0
    line = [Segment(clean(phase), ink.style("text" if tone == "well" else tone))]
    if restarts:
        line.append(Segment(f" ↻{restarts}", ink.style("watch" if restarts < 5 else "trouble")))
    return line


def _mind(one: Shown, width: int, ink: Ink) -> Line:
    mind = str(one.row.get("cognitiveHealth") or "Unknown")
    return [Segment(clean(mind), ink.style(HEALTH.get(mind, "quiet")))]


def _ready(one: Shown, width: int, ink: Ink) -> Line:
    ready, wanted = one.row.get("readyReplicas", 0), one.row.get("replicas", 0)
    return [Segment(f"{ready}/{wanted}", ink.style("quiet" if ready == wanted else "watch"))]


def _age(one: Shown, width: int, ink: Ink) -> Line:
    return [Segment(age(age_of(one.row, one.now)), ink.style("quiet"))]


def _text_of(name: str) -> Callable[[Shown, int, Ink], Line]:
    def draw(one: Shown, width: int, ink: Ink) -> Line:
        return [Segment(fit(clean(str(one.row.get(name) or UNKNOWN)), width), ink.style("quiet"))]

    return draw


def _named(widest: int) -> Column[Shown]:
    """The names' column: no wider than the longest of them, so that the others have the room."""
    wanted = max(widest + 2, 12)
    return Column("  NAME", min(wanted, 18), 0, _name, widest=min(wanted, 32))


COLUMNS: tuple[Column[Shown], ...] = (
    Column("ACTIVITY", 10, 2, _activity, widest=15),
    Column("5 min", 8, 4, _spark, widest=60),
    Column("PHASE", 11, 1, _phase, widest=14),
    Column("MIND", 12, 3, _mind),
    Column("READY", 5, 7, _ready, right=True),
    Column("AGE", 6, 6, _age, right=True),
    Column("REASON", 24, 8, _text_of("reason"), widest=60),
    Column("IMAGE", 18, 9, _text_of("image"), widest=40),
)
_NAMESPACE: Column[Shown] = Column("NAMESPACE", 10, 5, _text_of("namespace"), widest=20)


class Agents(Pane):
    """The agents by activity, with the cursor of the whole main screen."""

    TITLE = "AGENTS"
    SORTS: ClassVar[tuple[str, ...]] = tuple(ordering.AGENT_SORTS)

    def __init__(self) -> None:
        super().__init__(id="agents")
        self._order = ordering.Order()
        self._keys: list[Key] = []
        self._all: list[Key] = []
        """All in their order, so that a filter that is typed need not sort."""
        self._longest = 0
        self._several = False
        self._placed: tuple[int, bool, int, Placed[Shown]] = (-1, False, 0, [])
        self._drawn: dict[Key, Row] = {}

    def keys(self) -> Sequence[Key]:
        return self._keys

    def reorder(self) -> None:
        hive = self.terrarium.hive
        self._all = self._order.of(hive.agents, ordering.AGENT_SORTS[self.sort], hive.moved)
        hive.moved.clear()
        self._choose()

    def choose(self, selector: Selector | None) -> None:
        self.selector = selector or None
        self._choose()

    def _choose(self) -> None:
        rows = self.terrarium.hive.agents
        self._keys = ordering.chosen(self._all, rows, self.selector)
        self._longest = max(map(len, map(itemgetter(1), self._keys)), default=0)
        self._several = len(set(map(itemgetter(0), self._keys))) > 1
        self._drawn.clear()
        super().reorder()

    def renew_figures(self) -> None:
        """Draw anew what was told anew of the rows that are seen; their order stays."""
        rows = self.terrarium.hive.agents
        for nth, key in enumerate(self.shown(), self.top):
            if rows.get(key) is not self._drawn.get(key):
                self._refresh_line(nth)

    def head(self, width: int) -> Line | None:
        if not self._keys:
            return None
        return [Segment(" " * MARK), *titles(self._columns(width), self.ink)]

    def draw(self, key: Key, width: int, *, chosen: bool) -> Line:
        hive = self.terrarium.hive
        row = hive.agents.get(key)
        if row is None:
            return []
        self._drawn[key] = row
        mark = Segment("▶ " if chosen else "  ", self.ink.style("well" if self.has_focus else "quiet"))
        shown = Shown(key, row, hive.history(key), self.terrarium.clock())
        return [mark, *cells(self._columns(width), shown, self.ink)]

    def nothing(self) -> str:
        if self.selector:
            return "  No agent is like that. Esc shows all."
        if not self.terrarium.hive.synced:
            tried = "; ".join(f"{layer}: {why}" for layer, why in self.terrarium.hive.tried)
            return f"  Nothing answers ({clean(tried)})" if tried else "  Looking for the hive …"
        return "  No agents yet. Make one: kgents run NAME -- COMMAND"

    def _columns(self, width: int) -> Placed[Shown]:
        if self._placed[:3] != (width, self._several, self._longest):
            columns = (_named(self._longest), *((_NAMESPACE,) if self._several else ()), *COLUMNS)
            self._placed = (width, self._several, self._longest, place(columns, width - MARK))
        return self._placed[3]
