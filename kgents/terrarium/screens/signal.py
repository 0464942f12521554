"""One signal: how strong it is now, how it fades, what it says, what led to it, and who reacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from kgents.api import duration, times
from kgents.api.operations import why
from kgents.terrarium import facts
from kgents.terrarium.causes import tree_of
from kgents.terrarium.curve import curve
from kgents.terrarium.draw import Line, age, bar, clean, cut
from kgents.terrarium.hive import Key, Signal
from kgents.terrarium.ink import Ink
from kgents.terrarium.screens.base import HiveScreen, Subject
from kgents.terrarium.widgets.header import Header
from kgents.terrarium.widgets.keys import Keys
from kgents.terrarium.widgets.page import Page
from kgents.terrarium.widgets.signal_style import type_style

TWO_COLUMNS = 100
CURVE = 8


class SignalScreen(HiveScreen):
    """Fades while one looks. It stays open when the signal is gone, and says so."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "source", "its source"),
        Binding("escape", "dismiss", "back", key_display="esc"),
        Binding("q", "dismiss", "back", show=False),
    ]

    def __init__(self, key: Key) -> None:
        super().__init__()
        self._key = key
        self._signal: Signal | None = None
        self._there = True

    def compose(self) -> ComposeResult:
        yield Header()
        yield Page(self._lines_of, id="page", classes="pane")
        yield Keys()

    def on_mount(self) -> None:
        page = self.query_one(Page)
        page.border_title = f"SIGNAL {clean(self._key[1])}".replace("[", r"\[")
        page.focus()
        self.on_tick()

    def on_hive(self, changed: set[str]) -> None:
        if changed & {"signals", "agents", "source"}:
            self.on_tick()

    def on_tick(self) -> None:
        if not self.query(Page):
            return
        hive, now = self.terrarium.hive, self.terrarium.clock()
        found = hive.signals.get(self._key)
        self._there = found is not None and found.at(now) > 0
        self._signal = found or self._signal
        self.set_class(not hive.live or not self._there, "-stale")
        self.query_one(Header).refresh()
        self.query_one(Page).renew()
        self.refresh_bindings()

    def subject(self) -> Subject | None:
        return Subject("signal", self._key, self._signal.row) if self._signal is not None else None

    def action_source(self) -> None:
        """Whoever gave it."""
        subject = self.subject()
        if subject is not None and subject.agent is not None:
            self.terrarium.open_agent(subject.agent)
        else:
            self.terrarium.tell("It does not say who gave it.", "warning")

    def _lines_of(self, width: int) -> Sequence[Line]:
        ink, signal = self.terrarium.ink, self._signal
        if signal is None:
            return facts.quiet("It has faded away.", width, ink)
        now = self.terrarium.clock()
        page = self.query_one(Page)
        height = max(3, min(CURVE, page.scrollable_content_region.height - 12))
        made = [self._head(signal, now, width, ink), []]
        if not self._there:
            made += [
                *facts.quiet("It is not in the hive any more; this is the last that was told of it.", width, ink),
                [],
            ]
        made += [*curve(signal.decay, now, str(signal.row.get("type")), width, height, ink), []]
        half = (width - 3) // 2 if width >= TWO_COLUMNS else width
        left, right = self._facts(signal, now, half, ink), self._links(signal, half, ink)
        made += facts.beside(left, right, width, ink) if width >= TWO_COLUMNS else [*left, [], *right]
        return made

    def _head(self, signal: Signal, now: float, width: int, ink: Ink) -> Line:
        row = signal.row
        type = clean(str(row.get("type")))
        source, target = clean(str(row.get("source") or "somebody")), clean(str(row.get("target") or "everybody"))
        strength = signal.at(now)
        line = [
            Segment("◉ ", type_style(type, ink)),
            Segment(type, type_style(type, ink)),
            Segment(f"  {source}", ink.style("text", bold=True)),
            Segment(" → ", ink.style("quiet")),
            Segment(target, ink.style("text")),
            Segment("   ", ink.style("text")),
        ]
        figure = [Segment(f" {strength:.2f}", ink.style("text", bold=True)), Segment(" now", ink.style("quiet"))]
        return cut([*line, *bar(strength, 12, ink), *figure], width)

    def _facts(self, signal: Signal, now: float, width: int, ink: Ink) -> list[Line]:
        row, decay = signal.row, signal.decay
        left = decay.evaporates - now
        made = [facts.title("FADES", width, ink)]
        made += facts.fact("half-life", _span(decay.half_life), width, ink)
        emitted = f"{age(max(now - decay.emitted, 0.0))} ago, at {facts.clock(decay.emitted)}"
        made += facts.fact("emitted", emitted, width, ink)
        gone = f"in {age(left)}, at {facts.clock(decay.evaporates)}" if left > 0 else "it has"
        made += facts.fact("evaporates", gone, width, ink)
        made += facts.fact("began at", f"{decay.initial:.2f}", width, ink)
        if row.get("claimable"):
            until = times.parse(row.get("claimedUntil"))
            claimed = clean(str(row["claimedBy"])) if row.get("claimedBy") else "nobody yet"
            told = f"{claimed}, for {age(max(until - now, 0.0))}" if until is not None else claimed
            made += facts.fact("claimed by", told, width, ink, "deed" if row.get("claimedBy") else "quiet")
        if row.get("position"):
            places = ", ".join(f"{clean(axis)} {value:g}" for axis, value in facts.pairs(row["position"]))
            made += facts.fact("position", places, width, ink)
        made += [[], facts.title("SAYS", width, ink)]
        payload = str(row.get("payload") or "")
        spoken = [[Segment(one, ink.style("text"))] for one in facts.wrapped(payload, width)]
        return made + (spoken if payload else facts.quiet("nothing but its type", width, ink))

    def _links(self, signal: Signal, width: int, ink: Ink) -> list[Line]:
        hive = self.terrarium.hive
        made = [facts.title("CAUSED BY", width, ink)]
        tree = [clean_branch(line) for line in why.lines(tree_of(self._key, hive.signals))]
        causes = tree or [f"├─ {clean(str(one))}" for one in signal.row.get("causedBy") or ()]
        for line in causes:
            made += facts.folded([Segment(line, ink.style("text"))], width)
        if not causes:
            made += facts.quiet("it does not say", width, ink)
        made += [[], facts.title("WHO REACTS", width, ink)]
        type, target = signal.row.get("type"), signal.row.get("target")
        who = [
            name
            for (where, name), row in sorted(hive.agents.items())
            if where == self._key[0] and type in (row.get("reactsTo") or ()) and target in (None, "", name)
        ]
        made += [[Segment("↯ ", ink.style("deed")), Segment(clean(name), ink.style("text"))] for name in who]
        if not who:
            made += facts.quiet("nobody", width, ink)
        return made


def clean_branch(line: str) -> str:
    """A line of a tree, its branches kept."""
    branch = len(line) - len(line.lstrip("│├└─ "))
    return line[:branch] + clean(line[branch:])


def _span(seconds: float) -> str:
    return duration.to_text(seconds)
