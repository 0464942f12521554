"""What is known of one agent, its memory and its umwelt, in plain words and lines. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.segment import Segment

from kgents.api import quantity, times
from kgents.looks import HEALTH, NO_LOOK, PHASE, Tone
from kgents.terrarium.draw import Line, age, bar, clean
from kgents.terrarium.facts import fact, joined, pairs, part, quiet, since, title
from kgents.terrarium.hive import Row
from kgents.terrarium.ink import Ink

Object = Mapping[str, Any]
_BAD = {("NameConflict", "True"), ("Available", "False"), ("Ready", "False"), ("Ready", "Unknown")}
_GOOD = {("Available", "True"), ("Ready", "True")}


def status(row: Row, detail: Row | None, now: float, width: int, ink: Ink) -> list[Line]:
    """How it is."""
    phase, mind = str(row.get("phase")), str(row.get("cognitiveHealth") or "Unknown")
    look = PHASE.get(phase, NO_LOOK)
    made = [title("STATUS", width, ink)]
    made += fact("phase", [Segment(f"{look.glyph} {clean(phase)}", ink.style(look.tone))], width, ink)
    made += fact("mind", [Segment(clean(mind), ink.style(HEALTH.get(mind, "quiet")))], width, ink)
    made += fact("pods", _pods(row, ink), width, ink)
    if row.get("reason"):
        made += fact("because", str(row["reason"]), width, ink, "watch")
    known = detail or {}
    for label, name, words in (
        ("refused", "refusedWrites", "writes that it may not make"),
        ("held back", "suppressedSignals", "signals, for they came too fast"),
    ):
        if known.get(name):
            made += fact(label, f"{known[name]} {words}", width, ink, "watch")
    return made


def conditions(detail: Row, now: float, width: int, ink: Ink) -> list[Line]:
    """What is true of it, and why."""
    made = [title("CONDITIONS", width, ink)]
    for one in detail.get("conditions") or ():
        pair = str(one.get("type")), str(one.get("status"))
        glyph, tone = ("✖", "trouble") if pair in _BAD else ("●", "well") if pair in _GOOD else ("·", "quiet")
        told = f"{clean(pair[0])} {clean(pair[1])}"
        begin = [Segment(f"{glyph} ", ink.style(tone)), Segment(told, ink.style("text"))]  # type: ignore[arg-type]
        when = f"  {clean(str(one.get('reason') or ''))} · {since(one.get('lastTransitionTime'), now)}"
        made.append([*begin, Segment(when, ink.style("quiet"))])
        made += [
            [Segment("  ", ink.style("quiet")), *line] for line in quiet(str(one.get("message") or ""), width - 2, ink)
        ]
    return made if len(made) > 1 else [*made, *quiet("none yet", width, ink)]


def reactions(detail: Row, now: float, width: int, ink: Ink) -> list[Line]:
    """What it reacts to, and whether it does now."""
    made = [title("REACTS TO", width, ink)]
    for one in detail.get("reactions") or ():
        active = bool(one.get("active"))
        least = one.get("minIntensity")
        bound = f" from {least:g}" if isinstance(least, (int, float)) else ""
        made.append(
            [
                Segment("↯ " if active else "· ", ink.style("deed" if active else "quiet")),
                Segment(clean(str(one.get("type"))), ink.style("text", bold=active)),
                Segment(bound, ink.style("quiet")),
                Segment("  active" if active else "  quiet", ink.style("deed" if active else "quiet")),
                Segment(f" · {since(one.get('since'), now)}" if one.get("since") else "", ink.style("quiet")),
            ]
        )
    return made if len(made) > 1 else [*made, *quiet("nothing", width, ink)]


def spec(detail: Row, width: int, ink: Ink) -> list[Line]:
    """What it should be, in few words: only what is said."""
    said = part(detail, "spec")
    model, health, memory = part(said, "model"), part(said, "health"), part(part(said, "symbionts"), "memory")
    requests, limits = part(part(said, "resources"), "requests"), part(part(said, "resources"), "limits")
    rules = [f"{one.get('match')} → {one.get('type')}" for one in said.get("signals") or () if isinstance(one, Mapping)]
    ports = [f"{one.get('name') or ''} {one.get('containerPort')}".strip() for one in said.get("ports") or ()]
    told = (
        ("genus", said.get("genus")),
        ("image", said.get("image")),
        ("runs", " ".join(map(str, [*(said.get("command") or ()), *(said.get("args") or ())]))),
        ("entry", said.get("entrypoint")),
        ("model", " ".join(str(model[name]) for name in ("provider", "name") if model.get(name))),
        ("tools", ", ".join(str(one.get("name")) for one in said.get("tools") or () if isinstance(one, Mapping))),
        ("needs", _pairs_text(requests)),
        ("at most", _pairs_text(limits)),
        ("ports", ", ".join(ports)),
        ("health", " every ".join(str(health[name]) for name in ("type", "period") if health.get(name))),
        ("memory", _memory_text(memory)),
        ("config", _pairs_text(part(said, "config"))),
        ("log rules", "; ".join(rules)),
        ("labels", _pairs_text(part(detail, "labels"))),
    )
    made = [title("SPEC", width, ink)]
    for label, value in told:
        if value:
            made += fact(label, str(value), width, ink)
    return made


def memory(found: Object, now: float, width: int, ink: Ink) -> list[Line]:
    """A Memory in plain words."""
    said, is_ = part(found, "spec"), part(found, "status")
    size, used = quantity.parse_or(said.get("size"), None), is_.get("usedBytes")
    kinds = {
        "Ephemeral": "Ephemeral: gone with its pod",
        "KeyValue": "KeyValue: durable, found by key and by word",
        "Vector": "Vector: found by likeness",
    }
    keeps = {"Retain": "stays for the next agent of this name", "Delete": "ends with its agent"}
    type, retention = str(said.get("type") or ""), str(said.get("retentionPolicy") or "")
    made = [title("MEMORY", width, ink)]
    made += fact("kind", kinds.get(type, type or "not said"), width, ink)
    made += fact("phase", str(is_.get("phase") or "not known yet"), width, ink)
    if size and isinstance(used, (int, float)) and not isinstance(used, bool):
        share = used / size
        tone: Tone = "trouble" if share >= 0.9 else "watch" if share >= 0.7 else "well"
        figure = Segment(f" {share * 100:.0f}% of {quantity.memory_text(size)}", ink.style("text"))
        made += fact("used", [*bar(share, 20, ink, tone), figure], width, ink)
        made += fact("", quantity.memory_text(float(used)), width, ink, "quiet")
    else:
        made += fact("size", str(said.get("size") or "not said"), width, ink)
        made += fact("used", "not measured yet", width, ink, "quiet")
    if is_.get("entries") is not None:
        made += fact("holds", f"{is_['entries']} keys", width, ink)
    at = times.parse(is_.get("lastAccess"))
    made += fact("last access", "never" if at is None else f"{age(max(now - at, 0))} ago", width, ink)
    made += fact("afterwards", keeps.get(retention, retention or "not said"), width, ink)
    if is_.get("claimName"):
        made += fact("claim", str(is_["claimName"]), width, ink, "quiet")
    return made


def umwelt(found: Object, width: int, ink: Ink) -> list[Line]:
    """An Umwelt in plain words: what the agent may see and do."""
    said = part(found, "spec")
    senses, bounds, budgets = part(said, "senses"), part(said, "autonomy"), part(said, "constraints")
    made = [title("SENSES", width, ink)]
    made += fact("senses", _types(senses.get("sense")), width, ink)
    made += fact("emits", _types(senses.get("emit")), width, ink)
    made += [[], title("MAY DO BY ITSELF", width, ink)]
    replicas = part(bounds, "replicas")
    if replicas:
        made += fact("replicas", f"{replicas.get('min', 0)} to {replicas.get('max', 'any number')}", width, ink)
    for label, value in (
        ("resources", _pairs_text(part(part(bounds, "resources"), "max"), "up to ")),
        ("images", joined(bounds.get("images"), "")),
        ("config", joined(bounds.get("configKeys"), "")),
    ):
        if value:
            made += fact(label, value, width, ink)
    if not bounds:
        made += quiet("nothing: every change of its own waits for a review", width, ink)
    made += [[], title("BUDGETS", width, ink)]
    for label, name, words in (
        ("tokens", "tokenBudget", "in a day"),
        ("calls", "ratePerMinute", "in a minute"),
        ("at once", "maxConcurrency", "calls"),
    ):
        bound = budgets.get(name)
        told = f"{bound} {words}" if isinstance(bound, int) else "no bound"
        made += fact(label, told, width, ink)
    made += [[], title("MAY INVOKE", width, ink)]
    paths = [str(one) for one in said.get("affordances") or ()]
    made += [line for one in paths for line in fact("", one, width, ink)] or quiet("nothing is narrowed", width, ink)
    persona = [f"{name} {value:g}" for name, value in pairs(said.get("persona")) if isinstance(value, (int, float))]
    if persona:
        made += [[], title("SPEAKS", width, ink), *fact("", ", ".join(persona), width, ink)]
    return made


def _pods(row: Row, ink: Ink) -> Line:
    ready, wanted = row.get("readyReplicas"), row.get("replicas")
    if not isinstance(ready, int) or not isinstance(wanted, int):
        return [Segment("not known", ink.style("quiet"))]
    figure = Segment(f"{ready} of {wanted} ready", ink.style("text"))
    if max(ready, wanted) > 12:
        return [figure]
    missing = max(wanted - ready, 0)
    return [Segment("●" * ready, ink.style("well")), Segment("○" * missing + " ", ink.style("watch")), figure]


def _pairs_text(found: Mapping[str, Any], prefix: str = "") -> str:
    return ", ".join(f"{prefix}{name} {value}" for name, value in pairs(found))


def _memory_text(found: Mapping[str, Any]) -> str:
    if found.get("enabled") is not True:
        return ""
    return " ".join(str(found[name]) for name in ("type", "size") if found.get(name)) or "yes"


def _types(found: object) -> str:
    """None: not narrowed; an empty list: none."""
    return "everything" if found is None else joined(found, "nothing")
