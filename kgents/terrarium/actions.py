"""What can be done with what is chosen, why not at the moment, and doing it. One table; keys and palette read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kgents.terrarium.draw import clean
from kgents.terrarium.hive import ENDED

if TYPE_CHECKING:
    from textual.screen import Screen

    from kgents.terrarium.app import TerrariumApp
    from kgents.terrarium.screens.base import HiveScreen, Subject

AGENT, SIGNAL, PROPOSAL, NOTHING = "agent", "signal", "proposal", ""


@dataclass(frozen=True, slots=True)
class Action:
    """`fits`: the kinds of subject it is for, "" where it needs none. `writes`: only while something live answers."""

    name: str
    words: str
    fits: frozenset[str]
    writes: bool = False


def _action(name: str, words: str, *fits: str, writes: bool = False) -> Action:
    return Action(name, words, frozenset(fits), writes)


ACTIONS: Final[dict[str, Action]] = {
    one.name: one
    for one in (
        _action("logs", "read its log", AGENT, SIGNAL, PROPOSAL),
        _action("emit", "emit a signal", AGENT, SIGNAL, PROPOSAL, NOTHING, writes=True),
        _action("propose", "propose a change", AGENT, SIGNAL, PROPOSAL, NOTHING, writes=True),
        _action("why", "why it is as it is", AGENT, PROPOSAL),
        _action("yaml", "the whole object", AGENT, SIGNAL, PROPOSAL),
        _action("copy", "copy its name", AGENT, SIGNAL, PROPOSAL),
        _action("pause", "pause or resume the agent", AGENT, SIGNAL, writes=True),
        _action("approve", "approve the proposal", PROPOSAL, writes=True),
        _action("reject", "reject the proposal", PROPOSAL, writes=True),
        _action("diff", "what it would change", PROPOSAL),
        _action("rollback", "take the change back", PROPOSAL, writes=True),
        _action("freeze", "freeze or thaw the hive", AGENT, SIGNAL, PROPOSAL, NOTHING, writes=True),
    )
}
_ASKS: Final = frozenset({"logs", "why", "yaml"})
"""Reads that the ghost does not remember."""


def fits(name: str, subject: Subject | None) -> bool:
    """Whether the action means anything for what is chosen."""
    if (subject.kind if subject else NOTHING) not in ACTIONS[name].fits:
        return False
    return name not in ("logs", "pause") or (subject is not None and subject.agent is not None)


def why_not(name: str, app: TerrariumApp, subject: Subject | None) -> str | None:
    """Why the action cannot be done now, in words; None where it can."""
    reason = refusal(name, app, subject)
    return reason[0] if reason else None


def refusal(name: str, app: TerrariumApp, subject: Subject | None) -> tuple[str, str] | None:
    """Why the action cannot be done now, and what helps."""
    action = ACTIONS[name]
    if not fits(name, subject):
        return _unfit(action, subject), "Choose one first"
    if action.writes or name in _ASKS:
        if app.world.ghost_only:
            return "this is the ghost, a memory on this disk", "g goes back to the hive"
        if not app.hive.live and action.writes:
            return _dead(app), "It can be done as soon as something live answers"
    return _settled(name, subject) if subject is not None and subject.kind == PROPOSAL else None


def act(screen: HiveScreen, name: str, subject: Subject | None) -> None:
    """Does it, or opens what asks for the rest; where it cannot be done now, a notification says why."""
    app = screen.terrarium
    reason = refusal(name, app, subject)
    if reason is not None:
        why, fix = reason
        app.tell(f"{why[:1].upper()}{why[1:]}.\n{fix}.", "warning", f"Cannot {ACTIONS[name].words.split(' or ')[0]}")
        return
    if name == "copy" and subject is not None:
        app.copy_to_clipboard(subject.key[1])
        app.tell(f"Copied {clean(subject.key[1])}")
        return
    opened = _screen(name, app, subject)
    if opened is not None:
        app.push_screen(opened)


def _screen(name: str, app: TerrariumApp, subject: Subject | None) -> Screen[None] | None:
    """What opens for an action; None where it is done without asking."""
    agent = subject.agent if subject else None
    match name:
        case "emit":
            from kgents.terrarium.screens.emit import EmitDialog

            return EmitDialog(subject)
        case "propose":
            from kgents.terrarium.screens.propose import ProposeDialog

            return ProposeDialog(subject)
        case "freeze":
            from kgents.terrarium.screens.dialogs import FreezeDialog

            return FreezeDialog(app.world.context, app.hive.frozen)
        case "pause" if agent is not None:
            from kgents.terrarium.screens import dialogs

            return dialogs.pause(app, agent)
    if subject is None:
        raise ValueError(f"nothing to {name}")
    match name:
        case "approve" | "reject" | "rollback":
            from kgents.terrarium.screens.decide import DecideDialog

            return DecideDialog(subject.key, name)
        case "diff":
            from kgents.terrarium.screens.proposal import ProposalScreen

            return ProposalScreen(subject.key)
    from kgents.terrarium.screens import text

    match name:
        case "logs" if agent is not None:
            return text.LogsScreen(agent)
        case "why":
            return text.WhyScreen(subject.kind, subject.key)
        case "yaml":
            return text.YamlScreen(subject.kind, subject.key)
    raise ValueError(f"no such action: {name}")


def _unfit(action: Action, subject: Subject | None) -> str:
    if subject is None or subject.kind in action.fits:
        return "there is no agent to do that with" if subject else "nothing is chosen"
    article = "an" if subject.kind == AGENT else "a"
    return f"{article} {subject.kind} has no such thing"


def _dead(app: TerrariumApp) -> str:
    tried = "; ".join(f"{clean(layer)}: {clean(why)}" for layer, why in app.hive.tried)
    return f"nothing live answers ({tried})" if tried else "nothing live answers yet"


def _settled(name: str, subject: Subject) -> tuple[str, str] | None:
    """What stands against a decision on a proposal as it is."""
    phase, called = str(subject.row.get("phase")), clean(subject.key[1])
    if name == "rollback" and phase != "Merged":
        return f"{called} is {phase}: only what is merged can be taken back", "See what became of it: enter"
    if name in ("approve", "reject") and phase in ENDED:
        fix = "Take it back with R" if phase == "Merged" else "Propose it anew with p"
        return f"{called} is {phase}: it is decided already", fix
    if name == "approve" and subject.row.get("approved") is True and phase == "Approved":
        return f"{called} is approved already", "It is merged next, or once the hive is thawed"
    if name == "approve" and not subject.row.get("diffDigest"):
        return f"{called} is {phase}: there is no diff to look at yet", "Wait until it has been tried"
    return None
