"""The main screen: AGENTS, PHEROMONE HEATMAP, PROPOSALS and THOUGHT STREAM under one header."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.timer import Timer

from kgents.api import selecting
from kgents.terrarium import layout
from kgents.terrarium.heat.pictures import MODES
from kgents.terrarium.heat.scent import Scent
from kgents.terrarium.hive import Hive, Signal
from kgents.terrarium.screens.base import HiveScreen, Subject
from kgents.terrarium.screens.prompt import PromptScreen
from kgents.terrarium.widgets.agents import Agents
from kgents.terrarium.widgets.header import Header
from kgents.terrarium.widgets.heatmap import Heatmap
from kgents.terrarium.widgets.keys import Keys
from kgents.terrarium.widgets.pane import Pane
from kgents.terrarium.widgets.proposals import Proposals
from kgents.terrarium.widgets.rows import Rows
from kgents.terrarium.widgets.thoughts import Thoughts

STRONGEST = 1000
"""So many signals make the heatmap at most."""
BETWEEN = 0.3
"""Seconds from the lists to the signals, and from these to the heatmap: a key need not wait for all."""
PANES = ("agents", "heat", "proposals", "thoughts")
ALL = ("agents", "signals", "proposals", "thoughts", "source")


class MainScreen(HiveScreen):
    """Order and heat are made anew once a second at most, so that rows do not run away under the eye."""

    # With priority: these say where the keys behind them go, which may have been typed already.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", key_display="/", priority=True),
        Binding("s", "sort", "sort"),
        Binding("m", "heat", "heatmap", show=False),
        Binding("z", "zoom", "zoom", show=False),
        Binding("escape", "clear", "clear", show=False),
        Binding("tab", "next_pane(1)", "next pane", show=False, priority=True),
        Binding("shift+tab", "next_pane(-1)", "previous pane", show=False, priority=True),
        *(Binding(str(nth), f"pane('{name}')", name, show=False, priority=True) for nth, name in enumerate(PANES, 1)),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._moved: set[str] = set()
        self._sensed: Timer | None = None
        """Shows the signals that were sensed a moment ago."""

    def compose(self) -> ComposeResult:
        yield Header()
        with Vertical(id="body"):
            with Container(id="top"):
                yield Agents()
                yield Heatmap(id="heat", classes="pane")
            yield Proposals()
            yield Thoughts()
        yield Keys()

    def on_mount(self) -> None:
        kept = self.terrarium.kept
        for pane in self.query(Pane):
            if pane.id in kept.sorts and kept.sorts[pane.id] in pane.SORTS:
                pane.sort = kept.sorts[pane.id]
            if text := kept.filters.get(pane.id or "", ""):
                pane.selector = _kept_selector(text)
        self.query_one(Thoughts).least = kept.level if kept.level in ("info", "warning", "error") else "info"
        heat = self.query_one(Heatmap)
        heat.border_title = "PHEROMONE HEATMAP"
        if kept.heat in MODES:
            heat.chosen = kept.heat
        if kept.zoomed in PANES:
            self._zoom(kept.zoomed)
        self.query_one(f"#{kept.focused if kept.focused in PANES else 'agents'}").focus()
        self.on_hive(set(ALL))
        # What is heard while a screen is being made is not told to it.
        self.call_after_refresh(self.on_hive, set(ALL))

    # what is heard

    def on_hive(self, changed: set[str]) -> None:
        if "thoughts" in changed:
            self.query_one(Thoughts).hear()
        first = not self._moved and not self.query_one(Agents).keys()
        self._moved |= changed - {"thoughts"}
        if first or "source" in changed:
            self._renew()
        else:
            self.query_one(Agents).renew_figures()  # at once; the order once a second

    def on_tick(self) -> None:
        self._renew_lists()
        self.set_timer(BETWEEN, self._sense)

    def _renew(self) -> None:
        self._renew_lists()
        self._renew_heat()

    def _renew_lists(self) -> None:
        hive, now = self.terrarium.hive, self.terrarium.clock()
        moved, self._moved = self._moved, set()
        agents, proposals = self.query_one(Agents), self.query_one(Proposals)
        if "agents" in moved:
            agents.reorder()
        if "proposals" in moved:
            proposals.reorder()
        if "source" in moved:
            for pane in self.query(Pane):
                pane.label()
        self.set_class(hive.age(now) > 10 or not hive.live, "-stale")
        header = self.query_one(Header)
        header.set_class(bool(hive.frozen), "-frozen")
        header.refresh()
        agents.refresh()
        proposals.refresh()
        self._lay_out()

    def _sense(self) -> None:
        hive, now = self.terrarium.hive, self.terrarium.clock()
        self._sensed = self.set_timer(BETWEEN, partial(self._heat, hive, hive.strongest(now, STRONGEST), now))

    def _renew_heat(self) -> None:
        if self._sensed is not None:
            self._sensed.stop()  # what was sensed before this is not to be shown after it
        hive, now = self.terrarium.hive, self.terrarium.clock()
        self._heat(hive, hive.strongest(now, STRONGEST), now)

    def _heat(self, hive: Hive, found: list[tuple[float, Signal]], now: float) -> None:
        if hive is not self.terrarium.hive:  # another is looked at since
            return
        agents, heat = self.query_one(Agents).keys(), self.query_one(Heatmap)
        scents = [Scent.of(signal.row, strength, now - signal.decay.emitted) for strength, signal in found]
        heat.show(scents, agents=agents, reactors=hive.reactors(), now=now, old=self.has_class("-stale"))
        more = f"the {STRONGEST} strongest of {len(hive.signals)} · " if len(hive.signals) > STRONGEST else ""
        heat.border_subtitle = f"{more}{heat.place_text()} · m"

    # what is chosen

    def subject(self) -> Subject | None:
        hive = self.terrarium.hive
        focused = self.focused
        if isinstance(focused, Proposals):
            row = hive.proposals.get(focused.key) if focused.key else None
            return Subject("proposal", focused.key, row) if focused.key and row else None
        if isinstance(focused, Heatmap):
            told = focused.told()
            signal = hive.signals.get(told[0].key) if told else None
            return Subject("signal", told[0].key, signal.row) if signal else None
        key = self.query_one(Agents).key
        if isinstance(focused, Thoughts):
            thought = focused.thought()
            if thought and thought.kind == "proposal" and thought.about in hive.proposals:
                return Subject("proposal", thought.about, hive.proposals[thought.about])
            key = thought.about if thought else None
        row = hive.agents.get(key) if key else None
        return Subject("agent", key, row) if key and row else None

    @on(Rows.Moved)
    def _moved_cursor(self, event: Rows.Moved) -> None:
        if isinstance(event.rows, Pane):
            event.rows.label()
        self.refresh_bindings()

    @on(Rows.Opened)
    def _opened(self, event: Rows.Opened) -> None:
        if isinstance(event.rows, Thoughts):
            subject = self.subject()
            if subject is None:
                self.terrarium.tell("What that was about is not there any more", "warning")
            elif subject.kind == "proposal":
                self.terrarium.open_proposal(subject.key)
            else:
                self.terrarium.open_agent(subject.key)
        elif isinstance(event.rows, Proposals):
            self.terrarium.open_proposal(event.key)
        else:
            self.terrarium.open_agent(event.key)

    @on(Heatmap.Opened)
    def _signal_opened(self, event: Heatmap.Opened) -> None:
        self.terrarium.open_signal(event.key)

    @on(Heatmap.ModeChanged)
    def _mode_changed(self, event: Heatmap.ModeChanged) -> None:
        self.terrarium.kept.heat = event.mode
        self._renew_heat()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if event.widget.id in PANES:
            self.terrarium.kept.focused = str(event.widget.id)
            if self.has_class("-zoomed"):
                self._zoom(str(event.widget.id))
            for pane in self.query(Agents):
                pane.refresh()

    # keys

    def action_pane(self, name: str) -> None:
        if self.has_class("-zoomed"):
            self._zoom(name)
        self.set_focus(self.query_one(f"#{name}"))  # focus() would wait behind keys that have come already

    def action_next_pane(self, by: int) -> None:
        here = PANES.index(self.terrarium.kept.focused)
        self.action_pane(PANES[(here + by) % len(PANES)])

    def action_heat(self) -> None:
        self.query_one(Heatmap).action_mode()

    def action_sort(self) -> None:
        pane = self._pane()
        if not pane.SORTS:
            self.terrarium.tell(f"{pane.TITLE} has one order only", "warning")
            return
        pane.sort_by(pane.next_sort())
        self.terrarium.kept.sorts[str(pane.id)] = pane.sort

    def action_filter(self) -> None:
        pane = self._pane()
        before = pane.selector

        def tried(text: str) -> None:
            self._choose(pane, selecting.parse(text))

        def done(text: str | None) -> None:
            if text is None:
                self._choose(pane, before)
            self.terrarium.kept.filters[str(pane.id)] = pane.selector.text if pane.selector else ""

        hint = f"filters {pane.TITLE} · word  !word  key=value  key>0.5"
        self.app.push_screen(PromptScreen("/", before.text if before else "", hint, tried=tried), done)

    def _choose(self, pane: Pane, selector: selecting.Selector | None) -> None:
        pane.choose(selector)
        self._lay_out()  # fewer rows need less room

    def action_clear(self) -> None:
        """Esc takes back the last narrowing: the filter, then the zoom."""
        pane = self._pane()
        if pane.selector:
            self._choose(pane, None)
            self.terrarium.kept.filters[str(pane.id)] = ""
        elif self.has_class("-zoomed"):
            self._unzoom()

    def action_zoom(self) -> None:
        focused = self.focused
        if self.has_class("-zoomed"):
            self._unzoom()
        elif focused is not None and focused.id in PANES:
            self._zoom(str(focused.id))

    def _zoom(self, name: str) -> None:
        self.terrarium.kept.zoomed = name
        self.add_class("-zoomed")
        for pane in PANES:
            self.query_one(f"#{pane}").set_class(pane == name, "-zoom")
        self.query_one("#top").set_class(name in ("agents", "heat"), "-zoom")
        self._lay_out()

    def _unzoom(self) -> None:
        self.terrarium.kept.zoomed = ""
        self.remove_class("-zoomed")
        self._lay_out()

    def _pane(self) -> Pane:
        """The list that keys mean: the focused one, else AGENTS."""
        return self.focused if isinstance(self.focused, Pane) else self.query_one(Agents)

    # sizes

    def on_resize(self, event: events.Resize) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        hive = self.terrarium.hive
        width, height = self.size.width, self.size.height - 2 - (1 if hive.frozen else 0)
        rows = layout.heights(width, height, len(self.query_one(Agents).keys()), len(self.query_one(Proposals).keys()))
        zoomed = self.has_class("-zoomed")
        sizes = {"agents": rows.agents, "heat": rows.heat or rows.agents, "top": rows.agents + rows.heat}
        sizes |= {"proposals": rows.proposals, "thoughts": rows.thoughts}
        for name, size in sizes.items():
            styles = self.query_one(f"#{name}").styles
            wanted = "1fr" if zoomed else size
            if styles.height is None or str(styles.height) != str(wanted):
                styles.height = wanted


def _kept_selector(text: str) -> selecting.Selector | None:
    """A filter of an earlier run; one that no longer means anything is dropped."""
    from kgents.api.errors import UsageError

    try:
        return selecting.parse(text) or None
    except UsageError:
        return None
