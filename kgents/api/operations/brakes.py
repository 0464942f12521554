"""The brakes: freeze and thaw of the whole hive, pause and resume of one agent.

They write one ConfigMap, which is the parameter of the API server's own policies: from its answer on no agent writes
and nothing is merged, whatever else of kgents is dead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kgents.api import adopting, events, names, rows, times
from kgents.api.errors import NotFound, Refused
from kgents.api.kinds import AGENT, CONFIG_MAP, HIVE_NAMESPACE
from kgents.api.operations.requests import Call, Get, Note, Operation, Patch, Row, WhoAmI

FREEZE = "kgents-freeze"
_KEYS = ("frozen", "by", "reason", "since")
REASON_MAX = 500


def freeze(call: Call) -> Operation:
    """Refuses every agent's writes and every merge from now on."""
    reason, who = str(call.arguments.get("reason") or "")[:REASON_MAX], (yield WhoAmI())
    data = {"frozen": "true", "by": who, "reason": reason, "since": times.to_text(call.now)}
    changed = yield Patch(CONFIG_MAP, FREEZE, {"data": data}, HIVE_NAMESPACE)
    yield _note(call, changed, "Warning", "Frozen", f"the hive is frozen by {who}", reason)
    return [state(changed)]


def thaw(call: Call) -> Operation:
    """Agents write again, and what waits is merged."""
    changed = yield Patch(CONFIG_MAP, FREEZE, {"data": dict.fromkeys(_KEYS)}, HIVE_NAMESPACE)
    yield _note(call, changed, "Normal", "Thawed", f"the hive is thawed by {(yield WhoAmI())}")
    return [state(changed)]


def brakes(call: Call) -> Operation:
    """Whether the hive is frozen, by whom and why, and which agents are paused."""
    try:
        return [state((yield Get(CONFIG_MAP, FREEZE, HIVE_NAMESPACE)))]
    except NotFound:
        return [state({})]


def suspend(call: Call) -> Operation:
    """No more writes of the agent's, and no pods: the first holds at once, the second once the operators see it."""
    name = call.bindings["agent"]
    who = yield WhoAmI()
    reason = str(call.arguments.get("reason") or "")[:REASON_MAX]
    told = f"by {who}" + (f": {reason}" if reason else "")
    agent = yield from _set_suspend(call, name, True)
    braked = True
    try:
        yield Patch(CONFIG_MAP, FREEZE, {"data": {_key(call, name): told}}, HIVE_NAMESPACE)
    except (Refused, NotFound):
        # Who may change the agent but not the hive's own namespace stops its pods all the same.
        braked = False
    yield _note(call, agent, "Warning", "Paused", f"paused by {who}", reason)
    ref = adopting.ref_of(agent)
    return [{**rows.agent_row(agent, call.now), "adopts": ref.text if ref else None, "writesRefused": braked}]


def resume(call: Call) -> Operation:
    name = call.bindings["agent"]
    try:
        held = yield Get(CONFIG_MAP, FREEZE, HIVE_NAMESPACE)
    except (Refused, NotFound):
        held = {}
    if _key(call, name) in (held.get("data") or {}):
        yield Patch(CONFIG_MAP, FREEZE, {"data": {_key(call, name): None}}, HIVE_NAMESPACE)
    agent = yield from _set_suspend(call, name, False)
    yield _note(call, agent, "Normal", "Resumed", f"resumed by {(yield WhoAmI())}")
    return [rows.agent_row(agent, call.now)]


def state(freeze: Mapping[str, Any]) -> Row:
    """The freeze object as a row: {"frozen", "by", "reason", "since", "paused": [{"namespace", "name", "why"}]}."""
    data = freeze.get("data") or {}
    paused = []
    for key, why in sorted(data.items()):
        parts = key.split(".")
        if len(parts) == 3 and parts[0] == "agent":
            paused.append({"namespace": parts[1], "name": parts[2], "why": why})
    frozen = data.get("frozen") == "true"
    told = {key: str(data.get(key) or "") if frozen else "" for key in ("by", "reason", "since")}
    return {"name": "brakes", "frozen": frozen, **told, "paused": paused}


def notice(row: Mapping[str, Any]) -> dict[str, str] | None:
    """What stands beside the source of every answer while the hive is frozen: {"by", "reason", "since"}."""
    return {key: str(row.get(key) or "") for key in ("by", "reason", "since")} if row.get("frozen") else None


def _note(call: Call, obj: Mapping[str, Any], type: str, reason: str, message: str, why: str = "") -> Note:
    told = f"{message}: {why}" if why else message
    return Note(events.body(obj, type, reason, told, by="kgents", now=call.now))


def _set_suspend(call: Call, name: str, suspend: bool) -> Any:
    try:
        return (yield Patch(AGENT, name, {"spec": {"suspend": suspend}}, call.namespace))
    except NotFound as error:
        raise names.missing("agent", name, call.namespace) from error


def _key(call: Call, agent: str) -> str:
    return f"agent.{call.namespace}.{agent}"
