"""One proposal: what it would change, what its risk is made of, who said what of it, and deciding on it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.widgets import Static

from kgents.api import duration, times
from kgents.api.errors import KgentsError, NotFound
from kgents.api.governance.table import TTL
from kgents.api.wording import cause_text
from kgents.glass.answer import Answer
from kgents.looks import NO_LOOK, PHASE, Tone
from kgents.terrarium import change
from kgents.terrarium.draw import UNKNOWN, age, clean
from kgents.terrarium.hive import ENDED, Key, Row, age_of
from kgents.terrarium.screens.base import HiveScreen, Subject
from kgents.terrarium.screens.dialogs import attempt
from kgents.terrarium.widgets.header import Header
from kgents.terrarium.widgets.keys import Keys
from kgents.terrarium.widgets.proposals import short_user

SECTIONS = ("change", "evidence", "risk", "decision", "timeline")
_MOVING = frozenset({"_heard", "ageSeconds"})


_FIRST = ("act('approve')", "act('reject')", "act('rollback')", "act('why')", "act('yaml')")


def _deciding_first() -> list[BindingType]:
    """The common keys, those for deciding before the others: the last line has no room for all."""
    bound = [one for one in HiveScreen.BINDINGS if isinstance(one, Binding)]
    places = {action: place for place, action in enumerate(_FIRST)}
    return [*sorted(bound, key=lambda one: places.get(one.action, len(_FIRST)))]


class ProposalScreen(HiveScreen, inherit_bindings=False):
    """Reads the whole of it beside the screen, and anew whenever the hive tells of another row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *_deciding_first(),
        Binding("escape", "app.back", "back"),
        Binding("enter", "agent", "its target", key_display="⏎"),
        Binding("j,down", "scroll(1)", "down", show=False),
        Binding("k,up", "scroll(-1)", "up", show=False),
        Binding("pagedown,ctrl+f", "scroll(10)", "page down", show=False),
        Binding("pageup,ctrl+b", "scroll(-10)", "page up", show=False),
        Binding("home", "scroll(-100000)", "top", show=False),
        Binding("end,G", "scroll(100000)", "end", show=False),
    ]
    DEFAULT_CSS = """
    ProposalScreen #proposal-head { height: auto; padding: 1 2 0 2; }
    ProposalScreen #proposal-body { height: 1fr; scrollbar-size-vertical: 1; padding: 0 1; }
    ProposalScreen #columns { height: auto; layout: horizontal; }
    ProposalScreen .column { height: auto; width: 1fr; }
    ProposalScreen .section {
        height: auto; width: 1fr; margin: 1 1 0 1;
        border-top: solid $line; border-title-color: $primary; border-title-style: bold;
    }
    ProposalScreen.-narrow #columns { layout: vertical; }
    ProposalScreen.-narrow .section { margin: 0 1 0 1; }
    ProposalScreen.-short #proposal-head { padding: 0 2 0 2; }
    """

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key
        self._row: Row | None = None
        self._read_at = 0.0
        self._error: KgentsError | None = None
        self._gone = False
        self._reading = False
        self._again = False

    def compose(self) -> ComposeResult:
        yield Header()
        yield Static(id="proposal-head", markup=False)
        with VerticalScroll(id="proposal-body"), Container(id="columns"):
            with Vertical(classes="column"):
                yield Static(id="change", classes="section", markup=False)
                yield Static(id="evidence", classes="section", markup=False)
            with Vertical(classes="column"):
                yield Static(id="risk", classes="section", markup=False)
                yield Static(id="decision", classes="section", markup=False)
                yield Static(id="timeline", classes="section", markup=False)
        yield Keys()

    def on_mount(self) -> None:
        for name in SECTIONS:
            self.query_one(f"#{name}").border_title = f" {name.upper()} "
        self._row = self.terrarium.hive.proposals.get(self.key)
        self._read_at = self.terrarium.clock()
        self.query_one("#proposal-body").focus()
        self._draw()
        self._read()

    def subject(self) -> Subject | None:
        """The newest row that the hive has told; none once the proposal is gone."""
        row = self.terrarium.hive.proposals.get(self.key) or self._row
        return None if self._gone or row is None else Subject("proposal", self.key, row)

    def on_hive(self, changed: set[str]) -> None:
        self.query_one(Header).refresh(layout=True)
        self.query_one(Header).set_class(bool(self.terrarium.hive.frozen), "-frozen")
        if "proposals" not in changed and "source" not in changed:
            return
        told = self.terrarium.hive.proposals.get(self.key)
        if told is None:
            self._gone = self.terrarium.hive.synced
            self._draw()
        elif self._error is not None or self._gone or _still(told) != _still(self._row or {}, told):
            self._gone = False
            self._read()
        else:
            self._draw_head()
        self.refresh_bindings()

    def on_tick(self) -> None:
        self.query_one(Header).refresh()
        self._draw_head()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def action_act(self, name: str) -> None:
        if name == "diff":  # it is here
            self.query_one("#proposal-body").scroll_home(animate=False)
        else:
            super().action_act(name)

    def action_agent(self) -> None:
        """Open the target, if it is an agent."""
        subject = self.subject()
        target = subject.agent if subject else None
        if target is None:
            self.terrarium.tell("Its target is no agent", "warning")
        else:
            self.terrarium.open_agent(target)

    def action_scroll(self, by: int) -> None:
        self.query_one("#proposal-body").scroll_relative(y=by, animate=False)

    def _read(self) -> None:
        if self._reading:
            self._again = True
            return
        self._reading = True
        world, (namespace, name) = self.terrarium.world, self.key
        self.terrarium.in_thread(
            attempt(lambda: world.read("proposals.get", namespace, proposal=name)), self._answered, "read the proposal"
        )

    def _answered(self, answer: Answer | KgentsError) -> None:
        self._reading = False
        if not self.is_attached:
            return
        if isinstance(answer, KgentsError):
            self._error = answer
            self._gone = isinstance(answer, NotFound) and self.key not in self.terrarium.hive.proposals
        else:
            self._error, self._row, self._read_at = None, answer.rows()[0], self.terrarium.clock()
        self._draw()
        self.refresh_bindings()
        if self._again:
            self._again = False
            self._read()

    def _draw(self) -> None:
        self._draw_head()
        if self._row is None:
            for name in SECTIONS:
                self.query_one(f"#{name}", Static).display = False
            return
        drawn: Mapping[str, RenderableType | None] = {
            "change": self._change(self._row),
            "timeline": self._timeline(self._row),
            "risk": self._risk(self._row),
            "evidence": self._evidence(self._row),
            "decision": self._decision(self._row),
        }
        for name, shown in drawn.items():
            section = self.query_one(f"#{name}", Static)
            section.display = shown is not None
            if shown is not None:
                section.update(shown)

    def _draw_head(self) -> None:
        self.query_one("#proposal-head", Static).update(Group(*self._head()))

    def _head(self) -> Iterator[RenderableType]:
        ink, row = self.terrarium.ink, self._row or {}
        told = self.terrarium.hive.proposals.get(self.key) or row
        phase = str(told.get("phase") or "Unknown")
        look = PHASE.get(phase, NO_LOOK)
        badge = Text(f" {look.glyph} {clean(phase).upper()} ", ink.style("ground", bold=True, on=look.tone))
        if self._gone:
            badge = Text(" ○ GONE ", ink.style("ground", bold=True, on="quiet"))
        title = Text.assemble(badge, "  ", (clean(self.key[1]), ink.style("text", bold=True)))
        title.append(f"  {clean(self.key[0])}", ink.style("quiet"))
        line = Table.grid(expand=True, padding=(0, 1, 0, 0))
        line.add_column(ratio=1, overflow="fold")
        line.add_column(justify="right", no_wrap=True)
        line.add_row(title, Text(self._times(told), ink.style("quiet")))
        yield line
        about = Text(clean(str(told.get("target") or UNKNOWN)), ink.style("activity"), overflow="fold")
        about.append("  wanted by ", ink.style("quiet"))
        about.append(clean(short_user(str(told.get("proposer") or UNKNOWN))), ink.style("deed"))
        if told.get("via"):
            about.append(" via ", ink.style("quiet")).append(clean(str(told["via"])), ink.style("deed"))
        about.append(f"  “{clean(str(told.get('reason') or ''))}”", ink.style("text"))
        yield about
        yield from self._notes()

    def _notes(self) -> Iterator[Text]:
        ink = self.terrarium.ink
        if self._gone:
            yield Text("It is there no longer. This is what was last seen of it.", ink.style("watch", bold=True))
        elif self._error is not None:
            yield Text(f"✖ {clean(str(self._error))}", ink.style("trouble", bold=True))
        elif not self.terrarium.hive.live and self.terrarium.hive.synced:
            yield Text("Remembered: nothing can be decided until something live answers.", ink.style("watch"))
        elif self._row is None:
            yield Text("Reading it …", ink.style("quiet"))

    def _times(self, told: Row) -> str:
        """How long ago it was asked for, and how long it still waits."""
        now = self.terrarium.clock()
        old = age_of(told, now)
        parts = [f"{age(old)} ago"]
        spec = (self._row or {}).get("spec")
        if old is not None and isinstance(spec, dict) and told.get("phase") not in ENDED and not self._gone:
            left = duration.parse_or(spec.get("ttl"), TTL) - old
            parts.append(f"waits {duration.age(left)} more" if left > 0 else "its time is up")
        return " · ".join(parts)

    def _width(self) -> int:
        """Cells of one section."""
        return self.size.width - 6 if self.size.width < 100 else self.size.width // 2 - 6

    def _change(self, row: Row) -> RenderableType:
        if "diff" not in row:  # the ghost keeps rows
            short = clean(str(row.get("change") or "")) or "not known from memory"
            return Text(short, self.terrarium.ink.style("text"))
        return change.diff(row.get("diff"), self.terrarium.ink)

    def _risk(self, row: Row) -> RenderableType:
        total = row.get("risk")
        number = float(total) if isinstance(total, (int, float)) else None
        return change.risk(number, row.get("riskReasons") or (), self.terrarium.ink, self._width())

    def _evidence(self, row: Row) -> RenderableType | None:
        """Who said what of it, apart from its risk; and what led to it."""
        ink = self.terrarium.ink
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        table.add_column(no_wrap=True, max_width=16)
        table.add_column(ratio=1, overflow="fold")
        for one in _dicts(row.get("evidence")):
            if one.get("source") != "risk":
                table.add_row(
                    Text(clean(str(one.get("source"))), ink.style("deed")),
                    Text(clean(str(one.get("message"))), ink.style("text")),
                )
        spec = row.get("spec")
        for cause in _dicts(spec.get("causedBy") if isinstance(spec, dict) else None):
            table.add_row(Text("because of", ink.style("quiet")), Text(clean(cause_text(cause)), ink.style("text")))
        return table if table.row_count else None

    def _decision(self, row: Row) -> RenderableType:
        ink = self.terrarium.ink
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        table.add_column(no_wrap=True, max_width=16)
        table.add_column(ratio=1, overflow="fold")
        spec = row.get("spec")
        decision = spec.get("decision") if isinstance(spec, dict) else None
        if isinstance(decision, dict) and decision:
            words = {"True": "approved", "False": "rejected"}.get(str(decision.get("approved")), "decided")
            words += " and taken back" if decision.get("rollback") else ""
            who = clean(short_user(str(decision.get("by") or "somebody")))
            reason = f": “{clean(str(decision['reason']))}”" if decision.get("reason") else ""
            table.add_row(Text(who, ink.style("deed")), Text(f"{words}{reason}", ink.style("text")))
        elif row.get("decidedBy"):
            table.add_row(Text(clean(str(row["decidedBy"])), ink.style("deed")), Text("decided", ink.style("text")))
        else:
            waits = {"Reviewing": "a approves, r rejects", "Blocked": "a lifts it, with a reason; r rejects"}
            told = waits.get(str(row.get("phase")), "nobody has decided")
            table.add_row(Text("nobody yet", ink.style("quiet")), Text(told, ink.style("quiet")))
        for one in _dicts(row.get("conditions")):
            holds = one.get("status") == "True"
            tone: Tone = "text" if holds else "quiet"
            why = clean(str(one.get("message") or one.get("reason") or ""))
            table.add_row(
                Text(f"{'●' if holds else '○'} {clean(str(one.get('type')))}", ink.style("well" if holds else "quiet")),
                Text(why, ink.style(tone)),
            )
        return table

    def _timeline(self, row: Row) -> RenderableType:
        ink = self.terrarium.ink
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        table.add_column(no_wrap=True)
        table.add_column(width=1, no_wrap=True)
        table.add_column(ratio=1, overflow="fold")
        now = self.terrarium.clock()
        for at, text, tone in sorted(self._moments(row), key=lambda one: one[0]):
            table.add_row(
                Text(_when(at, now), ink.style("quiet")),
                Text("◌" if at > now else "●", ink.style(tone)),
                Text(text, ink.style("text" if at <= now else "quiet")),
            )
        return table

    def _moments(self, row: Row) -> Iterator[tuple[float, str, Tone]]:
        """(when, what happened, tone), what is still to come as well."""
        now = self.terrarium.clock()
        told = row.get("ageSeconds")
        if isinstance(told, (int, float)):
            made = self._read_at - float(told)
            yield made, f"wanted by {clean(short_user(str(row.get('proposer') or UNKNOWN)))}", "deed"
            spec = row.get("spec")
            if row.get("phase") not in ENDED and isinstance(spec, dict):
                yield made + duration.parse_or(spec.get("ttl"), TTL), "expires, if nobody has decided", "quiet"
        for one in _dicts(row.get("evidence")):
            at = times.parse(one.get("time"))
            if at is not None:
                source = clean(str(one.get("source")))
                yield at, "weighed" if source == "risk" else f"{source} spoke", "activity"
        for one in _dicts(row.get("conditions")):
            at = times.parse(one.get("lastTransitionTime"))
            if at is not None and one.get("type") == "Settled":
                phase = str(row.get("phase"))
                yield at, f"{clean(phase)}: {clean(str(one.get('message') or ''))}", PHASE.get(phase, NO_LOOK).tone
        merged = times.parse(row.get("mergedAt"))
        if merged is not None and merged <= now:
            yield merged, "merged", "well"


def _still(row: Row, like: Row | None = None) -> Row:
    """What of a row is news when it changes; of `row` only what `like` has."""
    return {key: value for key, value in row.items() if key not in _MOVING and (like is None or key in like)}


def _when(at: float, now: float) -> str:
    """The time of day, with the day where it is another one."""
    there = time.localtime(at)
    day = time.localtime(now)[:3] == there[:3]
    return time.strftime("%H:%M:%S" if day else "%d %b %H:%M", there)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
