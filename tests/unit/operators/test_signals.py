"""Lines that become pheromones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from kgents.api import times
from operators.signals.follow import LINES_PER_SECOND, TOO_LATE, Follower
from operators.signals.rules import RuleSet, Source, compile_rules, problems
from tests.unit.operators.objects import NOW

SOURCE = Source("ant", "u1", "hill", "ant-1", "p1")


def rule_set(**rule: Any) -> RuleSet:
    return RuleSet(compile_rules({"signals": [{"match": "ERROR", "type": "WARNING", **rule}]}))


def said(rules: RuleSet, line: str, at: float = NOW) -> list[dict[str, Any]]:
    made = []
    for rule, pheromone in rules.match(SOURCE, at, line, at):
        rules.said(rule, at)
        made.append(pheromone)
    return made


def test_named_groups_fill_the_payload() -> None:
    rules = rule_set(match=r"ERROR (?P<code>\d+) (\w+)", payload="{code}: {2} {unknown} {0}")
    assert said(rules, "ERROR 42 boom")[0]["spec"]["payload"] == "42: boom {unknown} ERROR 42 boom"


def test_a_pheromone_carries_the_line_that_caused_it() -> None:
    cause = said(rule_set(), "ERROR x")[0]["spec"]["causedBy"][0]
    assert (cause["uid"], cause["snapshot"]["line"]) == ("p1", "ERROR x")


def test_matches_within_the_interval_are_counted_and_told_with_the_next() -> None:
    rules = rule_set(minInterval="10s")
    assert len(said(rules, "ERROR")) == 1
    assert said(rules, "ERROR", NOW + 1) == said(rules, "ERROR", NOW + 2) == []
    assert said(rules, "ERROR", NOW + 10)[0]["metadata"]["annotations"]["kgents.io/suppressed"] == "2"
    assert rules.suppressed == 2


def test_the_same_line_has_the_same_name_after_a_restart() -> None:
    assert said(rule_set(), "ERROR")[0]["metadata"]["name"] == said(rule_set(), "ERROR")[0]["metadata"]["name"]


def test_an_old_line_is_no_pheromone_any_more() -> None:
    assert rule_set(halfLife="1s").match(SOURCE, NOW - 60, "ERROR", NOW) == []


def test_a_bad_pattern_is_told_and_the_others_work() -> None:
    spec = {"signals": [{"match": "(", "type": "TEST"}, {"match": "x", "type": "TEST"}]}
    assert len(compile_rules(spec)) == 1
    assert problems(spec)[0].startswith("signals[0].match:")


def test_a_hostile_pattern_meets_a_hostile_line_in_linear_time() -> None:
    assert said(rule_set(match="(a+)+c$"), "a" * 1_000_000 + "b") == []


def test_secrets_in_a_line_are_not_spread() -> None:
    spec = said(rule_set(), "ERROR password=hunter2")[0]["spec"]
    assert "hunter2" not in str(spec)


class Logs:
    """A log as the API gives it: since whole seconds, each line with its time."""

    def __init__(self, lines: list[tuple[float, str]]) -> None:
        self.lines = lines
        self.asked: list[str] = []

    async def logs(self, *_: Any, since_time: str, **__: Any) -> AsyncGenerator[str, None]:
        self.asked.append(since_time)
        since = times.parse(since_time) or 0.0
        for at, line in self.lines:
            if at >= since:
                yield f"{times.to_micro_text(at)} {line}"


async def follow(logs: Logs, cursor: float, wanted: int, now: float = NOW) -> list[str]:
    status = {"name": "agent", "state": {"running": {}}, "restartCount": 0}
    pod = {"metadata": {"name": "p", "namespace": "n"}, "status": {"containerStatuses": [status]}}
    seen: list[str] = []
    enough = asyncio.Event()

    async def handle(at: float, line: str) -> None:
        seen.append(line)
        if len(seen) >= wanted:
            enough.set()

    follower = Follower(logs, pod, cursor, handle, lambda: now)  # type: ignore[arg-type]
    follower.start()
    await asyncio.wait_for(enough.wait(), 30)
    await follower.stop()
    return seen


async def test_lines_that_were_read_before_are_not_read_again() -> None:
    logs = Logs([(NOW + 0.1, "old"), (NOW + 0.2, "old too"), (NOW + 0.3, "new")])
    assert await follow(logs, NOW + 0.2, 1) == ["new"]


async def test_a_flood_is_skipped_and_the_present_goes_on() -> None:
    flood = [(NOW - TOO_LATE - 5 + n * 1e-5, "flood") for n in range(2 * LINES_PER_SECOND)]
    seen = await follow(Logs([*flood, (NOW + 1, "present")]), NOW - 60, LINES_PER_SECOND)
    assert len(seen) <= LINES_PER_SECOND


def test_what_the_umwelt_does_not_let_it_emit_is_counted_and_not_said() -> None:
    spec = {"signals": [{"match": "x", "type": "CHAOS"}], "umwelt": {"senses": {"emit": ["TEST"]}}}
    rules = RuleSet(compile_rules(spec))
    assert said(rules, "x") == said(rules, "x", NOW + 20) == []
    assert rules.suppressed == 2
    assert problems(spec) == ["signals[0].type: its umwelt does not let it emit CHAOS"]
