"""Approve, reject, roll back: the diff that is decided on is shown, and no other is."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Input

from kgents.api.errors import KgentsError
from kgents.glass.answer import Answer
from kgents.terrarium import change
from kgents.terrarium.draw import clean
from kgents.terrarium.hive import ENDED, Key, Row
from kgents.terrarium.screens.dialogs import Dialog, attempt, field

LOOK_EVERY: Final = 0.3
"""Seconds between two looks at whether the proposal has changed meanwhile."""
_DONE: Final = {"approve": "is approved", "reject": "is rejected", "rollback": "is being taken back"}
_WORDS: Final = {"approve": "approve", "reject": "reject", "rollback": "roll back"}


class DecideDialog(Dialog):
    """`verb` is approve, reject or rollback. What changed while it was open is shown anew, and decided on anew."""

    DO: ClassVar[str] = "decide"

    def __init__(self, key: Key, verb: str) -> None:
        super().__init__(f"{_WORDS[verb]} {clean(key[1])}")
        self._key, self._verb = key, verb
        self._row: Row | None = None
        self._reading = False

    def fields(self) -> ComposeResult:
        yield field("reason", Input(id="reason", compact=True, placeholder="why, for the record"))

    def begin(self) -> None:
        self.query_one("#do").label = _WORDS[self._verb]  # type: ignore[attr-defined]
        self.view(Text("Reading the diff …", self.ink.style("quiet")))
        self._read()
        self.set_interval(LOOK_EVERY, self._look)

    def confirm(self) -> None:
        row, reason = self._row, self.query_one("#reason", Input).value.strip()
        if row is None:
            self.say("The diff has not been read yet")
            return
        if not reason and (self._verb == "reject" or (self._verb == "approve" and row["phase"] == "Blocked")):
            what = "lifting a block" if self._verb == "approve" else "rejecting"
            self.say(f"{what.capitalize()} takes a written reason")
            return
        world, (namespace, name), verb, digest = self.terrarium.world, self._key, self._verb, row.get("diffDigest")
        given: dict[str, Any] = {"reason": reason} if reason else {}
        if verb == "approve":
            given["digest"] = digest

        def decide() -> Row | None:
            """The row as it is now, if that is not what was shown; None once it is decided."""
            now = world.read("proposals.diff", namespace, proposal=name).rows()[0]
            if _seen(now) != _seen(row):
                return now
            world.write(f"proposals.{verb}", namespace, given, proposal=name)
            return None

        def told(changed: Row | None) -> None:
            if changed is None:
                self.close(f"{clean(name)} {_DONE[verb]}")
            elif self.is_attached:
                self._show(changed)

        self.send(decide, told, f"{_WORDS[verb]} {clean(name)}")

    def _look(self) -> None:
        """The hive tells of changes; the diff itself is then read anew."""
        told = self.terrarium.hive.proposals.get(self._key)
        if self._row is None or self.sending:
            return
        if told is None or (told.get("diffDigest"), told.get("phase")) != (
            self._row.get("diffDigest"),
            self._row.get("phase"),
        ):
            self._read()

    def _read(self) -> None:
        if self._reading:
            return
        self._reading = True
        world, (namespace, name) = self.terrarium.world, self._key

        def answered(answer: Answer | KgentsError) -> None:
            self._reading = False
            if not self.is_attached:
                return
            if isinstance(answer, KgentsError):
                self._row = None
                self.view(Text(""))
                self.say_error(answer)
            else:
                self._show(answer.rows()[0])

        self.terrarium.in_thread(attempt(lambda: world.read("proposals.diff", namespace, proposal=name)), answered)

    def _show(self, row: Row) -> None:
        before, self._row = self._row, row
        if before is not None and _seen(before) == _seen(row):
            return
        ink = self.ink
        table = Table.grid(expand=True)
        table.add_column(ratio=1)
        head = Text.assemble((clean(str(row.get("target"))), ink.style("text", bold=True)))
        head.append(f"  {row.get('phase')}, asked for by {clean(str(row.get('proposer')))}", ink.style("quiet"))
        table.add_row(head)
        table.add_row(Text(f"“{clean(str(row.get('reason') or ''))}”", ink.style("text")))
        table.add_row("")
        table.add_row(change.trial(row, ink, min(self.size.width, 76) - 6))
        self.view(table)
        self.query_one("#view").scroll_home(animate=False)
        if before is not None and row.get("diffDigest") != before.get("diffDigest"):
            self.say("The change is another one now, and nothing was sent. This is the new diff: look at it again")
        elif before is not None:
            self.say(f"It is {row.get('phase')} now, and nothing was sent")
        elif self._verb == "approve" and row.get("phase") in ENDED:
            self.say(f"It is {row.get('phase')}: it is decided already")
        else:
            self.say("", wrong=False)


def _seen(row: Row) -> tuple[Any, ...]:
    """What a decision is about."""
    return row.get("diffDigest"), row.get("phase"), tuple(row.get("diff") or ())
