"""Propose a change: what is asked for is tried on the server and shown before it is sent."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Checkbox, Input

from kgents.api import patching
from kgents.api.errors import KgentsError, Refused, UsageError
from kgents.glass.answer import Answer
from kgents.terrarium import change
from kgents.terrarium.draw import clean
from kgents.terrarium.screens.base import Subject
from kgents.terrarium.screens.dialogs import Dialog, Tick, field

Wish = dict[str, Any]


class ProposeDialog(Dialog):
    """Enter tries it; a second enter, with nothing changed since, sends it."""

    DO = "try it"

    def __init__(self, subject: Subject | None) -> None:
        super().__init__("propose a change")
        self._target = _target(subject)
        own = str(subject.row.get("targetNamespace") or "") if subject and subject.kind == "proposal" else ""
        self._namespace = own or (subject.key[0] if subject else "")
        self._tried: Wish | None = None

    @property
    def namespace(self) -> str:
        return self._namespace or self.terrarium.world.namespace or "default"

    def fields(self) -> ComposeResult:
        yield field("target", Input(self._target, id="target", compact=True, placeholder="an agent, or kind/name"))
        yield field("replicas", Input(id="replicas", compact=True, placeholder="so many pods"))
        yield field("image", Input(id="image", compact=True, placeholder="this image"))
        yield field("set", Input(id="sets", compact=True, placeholder="config.mode=fast; config.batch=64"))
        yield field("patch", Input(id="patch", compact=True, placeholder="or a whole change, as JSON or YAML"))
        yield field("delete", Tick("delete the target instead", id="delete", compact=True))
        yield field("reason", Input(id="reason", compact=True, placeholder="why, for whoever reviews it"))

    def hint(self) -> str:
        return "enter tries, again proposes · esc leaves"

    def begin(self) -> None:
        if self._target:
            self.call_after_refresh(self.query_one("#replicas").focus)

    @on(Input.Changed)
    @on(Checkbox.Changed)
    def _changed(self) -> None:
        """What was tried is not what stands there any more; another reason is no other change."""
        if self._tried is not None and self._safe_wish() != self._tried:
            self._tried = None
            self.query_one("#do", Button).label = "try it"
            self.view(Text(""))
            self.say("", wrong=False)

    def confirm(self) -> None:
        if self.sending:
            return
        try:
            wish, reason = self._wish(), self._text("reason")
            if not reason:
                raise UsageError("Say why, for whoever reviews it")
        except UsageError as error:
            self.say_error(error)
            return
        world, namespace = self.terrarium.world, self.namespace
        given = {**wish, "reason": reason}
        if wish != self._tried:
            self.send(
                lambda: world.write("proposals.define", namespace, {**given, "dryRun": True}),
                lambda answer: self._show(wish, answer),
                "Trying it",
                lambda error: self._show(wish, error),
            )
            return
        self.send(
            lambda: world.write("proposals.define", namespace, given),
            lambda answer: self.close(f"{clean(str(answer.rows()[0]['name']))} is proposed in {clean(namespace)}"),
            "Proposing",
        )

    def _show(self, wish: Wish, answer: Answer | KgentsError) -> None:
        """What the server's dry run said. Who may not change the target himself may still propose it."""
        if not self.is_attached or self._safe_wish() != wish:
            return
        if isinstance(answer, KgentsError) and not isinstance(answer, Refused):
            self.say_error(answer)
            return
        self._tried = wish
        self.query_one("#do", Button).label = "propose it"
        if isinstance(answer, Refused):
            self.say(clean(f"It could not be tried as you: {answer}. Enter proposes it all the same"))
            return
        self.view(change.trial(answer.rows()[0], self.ink, min(self.size.width, 76) - 6))
        self.say("Nothing is made yet: enter proposes it. What was asked for lately adds to the risk", wrong=False)

    def _safe_wish(self) -> Wish | None:
        try:
            return self._wish()
        except UsageError:
            return None

    def _wish(self) -> Wish:
        """Target and change, as they are sent. Raises UsageError for what is none."""
        target, patch, replicas = self._text("target"), self._text("patch"), self._text("replicas")
        if not target:
            raise UsageError("Say what should change", fix="A target is an agent's name, or kind/name")
        if replicas and not (replicas.isascii() and replicas.isdigit()):
            raise UsageError("Replicas are a whole number, 0 or more")
        sets = [one.strip() for one in self._text("sets").split(";") if one.strip()]
        made = patching.parts(int(replicas) if replicas else None, self._text("image") or None, sets, where="set")
        delete = self.query_one("#delete", Checkbox).value
        if bool(patch) + bool(made) + delete != 1:
            raise UsageError(
                "Give one change" if patch or made or delete else "Say what should change",
                why="fields, a whole patch, or a deletion",
            )
        if delete:
            return {"target": target, "delete": True}
        whole = patching.whole(patch, "patch") if patch else made
        kind = "json" if isinstance(whole, list) else "apply"
        return {"target": target, "patch": whole, "patchType": kind}

    def _text(self, id: str) -> str:
        return self.query_one(f"#{id}", Input).value.strip()


def _target(subject: Subject | None) -> str:
    if subject is None:
        return ""
    if subject.kind == "proposal":
        return str(subject.row.get("target") or "").removeprefix("Agent/")
    return subject.agent[1] if subject.agent else ""
