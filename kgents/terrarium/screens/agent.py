"""All of one agent: a head, and its sections; the overview beside them where there is room."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal

from kgents.api.errors import KgentsError, NotFound
from kgents.glass.ending import Ending
from kgents.looks import NO_LOOK, PHASE, Tone
from kgents.terrarium import agent_facts, facts
from kgents.terrarium.draw import Line, clean
from kgents.terrarium.hive import Key, Row, Thought
from kgents.terrarium.listening import Listener
from kgents.terrarium.screens.base import HiveScreen, Subject
from kgents.terrarium.screens.text import ask_filter
from kgents.terrarium.widgets.about_agent import AgentProposals, AgentSignals, is_about
from kgents.terrarium.widgets.agent_head import AgentHead, Sections
from kgents.terrarium.widgets.header import Header
from kgents.terrarium.widgets.keys import Keys
from kgents.terrarium.widgets.log_lines import LogLines
from kgents.terrarium.widgets.page import Page
from kgents.terrarium.widgets.rows import Rows
from kgents.terrarium.widgets.thoughts import GLYPHS
from kgents.terrarium.world import World

SECTIONS = ("overview", "events", "logs", "memory", "umwelt", "signals", "proposals")
KEPT_ASIDE = {"memory": "memories", "umwelt": "umwelts"}
"""Sections that are objects of their own, by the plural of their kind."""
NONE_OF = {"memory": "It keeps no memory.", "umwelt": "It has no umwelt of its own: nothing is narrowed."}
WIDE, TALL = 120, 36
"""From so many columns on the overview stands beside the others; from so many rows the log below them."""
TWO_COLUMNS = 88
GHOST_ROUND = 2.0
AGAIN = 5
"""Ticks until what failed, or may have changed, is asked for again."""


class AgentScreen(HiveScreen):
    """Live while it is open; when the agent goes, the last that was told stays, and the head says so."""

    CSS = """
    AgentScreen #sections { height: 1fr; layout: horizontal; }
    AgentScreen #overview { display: none; }
    AgentScreen #overview.-shown, AgentScreen #rest > .-shown { display: block; }
    AgentScreen #rest { width: 1fr; height: 1fr; }
    AgentScreen #rest.-hidden { display: none; }
    AgentScreen #rest > * { display: none; }
    AgentScreen #overview { width: 1fr; }
    AgentScreen.-short .pane { border: none; padding: 0 1; }
    AgentScreen.-short .pane:focus { border: none; }
    AgentScreen AgentHead { margin: 1 0 0 0; }
    AgentScreen.-short AgentHead { margin: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", key_display="esc"),
        Binding("q", "leave", "back", show=False),
        Binding("tab", "turn(1)", "next", show=False, priority=True),
        Binding("shift+tab", "turn(-1)", "previous", show=False, priority=True),
        Binding("slash", "filter", "filter", key_display="/"),
        *(Binding(str(nth), f"section('{name}')", name, show=False) for nth, name in enumerate(SECTIONS, 1)),
    ]

    def __init__(self, key: Key) -> None:
        super().__init__()
        self._key = key
        self._row: Row = {}
        self._detail: Row | None = None
        self._objects: dict[str, Row | KgentsError] = {}
        self._asking: set[str] = set()
        self._listener: Listener[tuple[str, bytes]] | None = None
        self._ticks = 0
        self._section = "overview"
        self._ready = False
        """Whether its parts are there: the hive may speak before, and after."""

    def compose(self) -> ComposeResult:
        yield Header()
        yield AgentHead(self._key)
        yield Sections(SECTIONS)
        with Horizontal(id="sections"):
            yield Page(self._overview, id="overview", classes="pane")
            with Container(id="rest"):
                yield Page(self._events, id="events", classes="pane", follow=True)
                yield Page(self._memory, id="memory", classes="pane")
                yield Page(self._umwelt, id="umwelt", classes="pane")
                yield AgentSignals(self._key, id="signals")
                yield AgentProposals(self._key, id="proposals")
                yield LogLines(self._key, id="logs", classes="pane")
        yield Keys()

    def on_mount(self) -> None:
        for name in ("signals", "proposals"):
            self.query_one(f"#{name}").add_class("pane")
        for name in SECTIONS:
            self.query_one(f"#{name}").border_title = name.upper()
        self._ready = True
        self._listen()
        self.set_interval(0.1, self._hear)
        self.on_hive({"agents", "signals", "proposals", "thoughts", "source"})
        self.action_section("overview")

    def on_unmount(self) -> None:
        self._ready = False
        if self._listener is not None:
            self._listener.stop()

    # what is heard

    def on_hive(self, changed: set[str]) -> None:
        if not self._ready:
            return
        hive, head = self.terrarium.hive, self.query_one(AgentHead)
        if "agents" in changed:
            found = hive.agents.get(self._key)
            self._row = found or self._row
            head.row, head.gone = self._row, found is None
            head.refresh()
            self._renew("overview")
        if changed & {"agents", "signals"}:
            self.query_one(AgentSignals).reorder()
        if "proposals" in changed:
            self.query_one(AgentProposals).reorder()
        if changed & {"thoughts", "proposals"}:
            self._renew("events")
        if "source" in changed:
            self.query_one(Header).refresh()
            self._renew("overview", "memory", "umwelt")
        self.set_class(not hive.live or head.gone, "-stale")
        self._count()

    def on_tick(self) -> None:
        if not self._ready:
            return
        self._ticks += 1
        self.query_one(Header).refresh()
        self.query_one(AgentHead).refresh()
        self.query_one(AgentSignals).reorder()
        self._renew("overview", "memory")
        self._count()
        if self._ticks % AGAIN == 0:
            if self._listener is not None and self._listener.ended:
                self._listen()
            self._ask(self._section)

    def _listen(self) -> None:
        if self._listener is not None:
            self._listener.stop()
        world = self.terrarium.world
        self._listener = Listener(lambda ending: _details(world, self._key, ending))

    def _hear(self) -> None:
        heard = self._listener.take() if self._listener is not None else []
        told = [item for type, item in heard if type in ("ADDED", "MODIFIED")]
        if told:
            self._detail = json.loads(told[-1])
            self._renew("overview")

    def _ask(self, section: str) -> None:
        """Reads what is an object of its own."""
        if section not in KEPT_ASIDE or section in self._asking:
            return
        world, (namespace, name) = self.terrarium.world, self._key
        self._asking.add(section)

        def look() -> Row | KgentsError:
            try:
                return world.read("objects.get", namespace, None, kind=KEPT_ASIDE[section], name=name).rows()[0]
            except KgentsError as error:
                return error

        def show(found: Row | KgentsError) -> None:
            self._asking.discard(section)
            self._objects[section] = found
            if self._ready:
                self._renew(section)

        self.terrarium.in_thread(look, show, section)

    # what is chosen

    def subject(self) -> Subject | None:
        focused, hive = self.focused, self.terrarium.hive
        if isinstance(focused, AgentSignals) and focused.key in hive.signals:
            return Subject("signal", focused.key, hive.signals[focused.key].row)
        if isinstance(focused, AgentProposals) and focused.key in hive.proposals:
            return Subject("proposal", focused.key, hive.proposals[focused.key])
        return Subject("agent", self._key, self._row) if self._row else None

    @on(Rows.Opened)
    def _opened(self, event: Rows.Opened) -> None:
        open_ = self.terrarium.open_signal if isinstance(event.rows, AgentSignals) else self.terrarium.open_proposal
        open_(event.key)

    @on(Rows.Moved)
    def _moved(self) -> None:
        self._count()
        self.refresh_bindings()

    @on(Sections.Chosen)
    def _chosen(self, event: Sections.Chosen) -> None:
        self.action_section(event.name)

    @on(LogLines.Told)
    def _log_told(self) -> None:
        lines = self.query_one(LogLines)
        lines.border_subtitle = lines.state.replace("[", r"\[")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "filter":
            return self._section == "logs"
        return super().check_action(action, parameters)

    # keys

    def action_section(self, name: str) -> None:
        """Shows a section, and looks into it."""
        self._section = name
        self._place()
        self._ask(name)
        self.set_focus(self.query_one(f"#{name}"))
        self.refresh_bindings()

    def action_turn(self, by: int) -> None:
        self.action_section(SECTIONS[(SECTIONS.index(self._section) + by) % len(SECTIONS)])

    def action_filter(self) -> None:
        ask_filter(self, self.query_one(LogLines))

    def action_leave(self) -> None:
        """Esc takes back the filter of the log first."""
        lines = self.query_one(LogLines)
        if self._section == "logs" and lines.selector:
            lines.choose("")
        else:
            self.dismiss()

    def on_resize(self, event: events.Resize) -> None:
        self._place()

    # how it looks

    def _place(self) -> None:
        """In a narrow terminal one section; in a wide one the overview, another beside it, and below that the log."""
        wide = self.size.width >= WIDE
        beside = self._section if self._section != "overview" else "events"
        shown = {"overview", beside} if wide else {self._section}
        if wide and self.size.height >= TALL:
            shown.add("events" if beside == "logs" else "logs")
        if "logs" in shown:
            self.query_one(LogLines).start()
        for name in SECTIONS:
            self.query_one(f"#{name}").set_class(name in shown, "-shown")
        self.query_one("#rest").set_class(shown == {"overview"}, "-hidden")
        sections = self.query_one(Sections)
        sections.shown = frozenset(shown)
        sections.refresh()
        self.call_after_refresh(self._renew, *shown)

    def _renew(self, *names: str) -> None:
        for name in names:
            page = self.query_one(f"#{name}")
            if isinstance(page, Page) and page.display:
                page.renew()

    def _count(self) -> None:
        sections = self.query_one(Sections)
        lists = {"signals": self.query_one(AgentSignals), "proposals": self.query_one(AgentProposals)}
        sections.counts = {name: len(rows.keys()) for name, rows in lists.items()}
        sections.refresh()
        for rows in lists.values():
            rows.border_subtitle = rows.place_text()

    def _overview(self, width: int) -> Sequence[Line]:
        ink, now = self.terrarium.ink, self.terrarium.clock()
        detail = self._detail
        if not self._row:
            return facts.quiet("Nothing is known of it.", width, ink)
        half = (width - 3) // 2 if width >= TWO_COLUMNS else width
        left = agent_facts.status(self._row, detail, now, half, ink)
        if detail is None or "spec" not in detail:
            return [*left, [], *facts.quiet(self._unknown("its spec and its conditions"), half, ink)]
        left += [[], *agent_facts.conditions(detail, now, half, ink)]
        right = agent_facts.spec(detail, half, ink)
        reacts = [[], *agent_facts.reactions(detail, now, half, ink)]
        if width >= TWO_COLUMNS:
            return facts.beside([*left, *reacts], right, width, ink)
        return [*left, *reacts, [], *right]

    def _unknown(self, what: str) -> str:
        listener = self._listener
        if self.terrarium.hive.source.layer == "ghost":
            return f"The rest ({what}) is not known from the ghost."
        failed = listener.failed if listener is not None else None
        return f"Not known: {failed}" if failed is not None else "Reading the rest …"

    def _memory(self, width: int) -> Sequence[Line]:
        ink, now = self.terrarium.ink, self.terrarium.clock()
        return self._object("memory", width) or agent_facts.memory(self._found("memory"), now, width, ink)

    def _umwelt(self, width: int) -> Sequence[Line]:
        return self._object("umwelt", width) or agent_facts.umwelt(self._found("umwelt"), width, self.terrarium.ink)

    def _found(self, section: str) -> Row:
        found = self._objects.get(section)
        return found if isinstance(found, dict) else {}

    def _object(self, section: str, width: int) -> list[Line]:
        """What is said where there is no object to show; nothing where there is one."""
        found = self._objects.get(section)
        if isinstance(found, dict):
            return []
        if found is None:
            text = f"Reading its {section} …"
        elif isinstance(found, NotFound):
            text = NONE_OF[section]
        elif self.terrarium.hive.source.layer == "ghost":
            text = f"Its {section} is not known from the ghost."
        else:
            text = f"Not known: {found}"
        return facts.quiet(text, width, self.terrarium.ink)

    def _events(self, width: int) -> Sequence[Line]:
        ink, hive = self.terrarium.ink, self.terrarium.hive
        proposals = {key for key, row in hive.proposals.items() if is_about(row, self._key)}
        mine = {self._key} | proposals
        told = [one for one in hive.thoughts if one.kind != "log" and one.about in mine]
        made = [line for one in told for line in self._event(one, width)]
        ghost = hive.source.layer == "ghost"
        nothing = "What happened is not known from the ghost." if ghost else "Nothing has happened that was told of."
        return made or facts.quiet(nothing, width, ink)

    def _event(self, thought: Thought, width: int) -> list[Line]:
        ink = self.terrarium.ink
        tone: Tone = {"warning": "watch", "error": "trouble"}.get(thought.level, "deed")  # type: ignore[assignment]
        if thought.kind in ("agent", "proposal") and thought.level == "info":
            tone = PHASE.get(thought.type, NO_LOOK).tone
        who = f"{thought.who} " if thought.kind == "proposal" else ""
        line = [
            Segment(f"{facts.clock(thought.at)}  ", ink.style("quiet")),
            Segment(f"{GLYPHS.get(thought.kind, '·')} ", ink.style(tone)),
            Segment(clean(who) + (" " if who else ""), ink.style("activity")),
            Segment(clean(thought.text), ink.style("text")),
        ]
        return facts.folded(line, width)


def _details(world: World, key: Key, ending: Ending) -> Iterator[tuple[str, bytes]]:
    """The agent's detail, and what becomes of it; in ghost mode what the disk says, looked at again and again."""
    namespace, name = key
    if not world.ghost_only:
        for type, item, _ in world.watch("agents.get", namespace, ending, agent=name):
            yield type, item
        return
    while True:
        for item in world.read("agents.get", namespace, None, agent=name).items:
            yield "MODIFIED", item
        if ending.wait(GHOST_ROUND):
            return
