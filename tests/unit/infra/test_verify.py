"""The table of checks, and how it is gone through, without a hive."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kgents.api.errors import KgentsError
from kgents.api.kinds import AGENT, Kind
from kgents.infra.hive import Cluster, Hive
from kgents.infra.verify import canary
from kgents.infra.verify.check import Check, Note, Result, go_through
from kgents.infra.verify.place import Place
from kgents.infra.verify.shipped import differences, part
from kgents.infra.verify.table import CHECKS
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig


def place(hive: Hive | None = None) -> Place:
    return Place(ClusterConfig("far", "https://far.example"), cast(KubeClient, None), hive)


async def fine(_: Place) -> str:
    return "well"


async def wrong(_: Place) -> str:
    raise KgentsError("It is broken", why="a\x1b[31m b\nc", fix="mend it")


async def unknown(_: Place) -> str:
    raise KgentsError("somebody said no")


async def noted(_: Place) -> Note:
    return Note("worth knowing", fix="do that")


async def hung(_: Place) -> str:
    await asyncio.sleep(3600)
    return "never"


def run(*checks: Check, timeout: float = 60.0) -> dict[str, Result]:
    told: list[Result] = []
    done = asyncio.run(go_through(checks, place(), told.append, timeout))
    assert told == done
    return {result.name: result for result in done}


def test_names_are_unique_and_every_need_comes_before_who_needs_it() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    for at, check in enumerate(CHECKS):
        assert set(check.needs) <= set(names[:at]), check.name


def test_a_check_is_well_or_a_note_or_fails_with_why_and_fix() -> None:
    found = run(Check("a", "g", "it is so", fine), Check("b", "g", "so too", noted), Check("c", "g", "well", wrong))

    assert [(one.status, one.message, one.fix) for one in found.values()] == [
        ("ok", "well", ""),
        ("note", "worth knowing", "do that"),
        ("fail", "It is broken", "mend it"),
    ]


def test_what_others_wrote_is_one_line_without_control_characters() -> None:
    assert run(Check("c", "g", "well", wrong))["c"].why == "a[31m b c"


def test_what_depends_on_a_failure_is_skipped_and_so_is_what_depends_on_that() -> None:
    found = run(
        Check("a", "g", "first", wrong),
        Check("b", "g", "second", fine, ("a",)),
        Check("c", "g", "third", fine, ("b",)),
        Check("d", "g", "fourth", fine),
    )

    assert [one.status for one in found.values()] == ["fail", "skipped", "skipped", "ok"]
    assert found["b"].message == "second: not checked, for it needs a"


def test_a_note_keeps_nobody_back() -> None:
    assert run(Check("a", "g", "first", noted), Check("b", "g", "second", fine, ("a",)))["b"].status == "ok"


def test_each_check_has_its_own_limit_and_the_next_one_goes_on() -> None:
    found = run(Check("a", "g", "first", hung, limit=0.01), Check("b", "g", "second", fine))

    assert (found["a"].status, found["b"].status) == ("fail", "ok")
    assert found["a"].fix


def test_when_the_time_is_over_the_rest_says_so() -> None:
    found = run(Check("a", "g", "first", hung), Check("b", "g", "second", fine), timeout=0.01)

    assert found["b"].status == "fail" and "--timeout" in found["b"].fix


def test_a_failure_without_a_fix_gets_a_place_to_look() -> None:
    found = run(Check("a", "g", "it is so", unknown))["a"]

    assert (found.message, found.why) == ("it is so: no", "somebody said no")
    assert found.fix.startswith("kubectl --context far")


@pytest.mark.parametrize(
    ("hive", "init"),
    [
        (Hive("laptop", 70), "kgents infra init --name laptop"),
        (Hive("bare", 70, api_only=True), "kgents infra init --name bare --api-only"),
        (Hive("f", cluster=Cluster("far", "s", ())), "kgents infra init --context far"),
        (Hive("f", cluster=Cluster("far", "s", (), deployed=True)), "kgents infra init --context far --in-cluster"),
        (None, "kgents infra init --context far --in-cluster"),
    ],
)
def test_a_hive_is_made_again_in_its_own_form(hive: Hive | None, init: str) -> None:
    assert place(hive).init == init


SPEC: dict[str, Any] = {"rules": [{"resources": ["agents"]}], "conditions": [{"name": "a", "expression": "x"}]}


def changed(there: Mapping[str, object]) -> list[str]:
    return list(differences(SPEC, {**SPEC, **there}))


def test_what_the_server_fills_in_is_no_difference() -> None:
    filled = {"rules": [{"resources": ["agents"], "scope": "*"}], "matchPolicy": "Equivalent", "namespaceSelector": {}}
    assert changed(filled) == []


@pytest.mark.parametrize(
    ("there", "told"),
    [
        ({"namespaceSelector": {"matchLabels": {"a": "b"}}}, "namespaceSelector was added"),
        ({"conditions": [*SPEC["conditions"], {"name": "b"}]}, "conditions has 2 entries, not 1"),
        ({"conditions": [{"name": "a", "expression": "false"}]}, "conditions[0].expression differs"),
        ({"rules": [{"resources": ["agents"], "scope": "Cluster"}]}, "rules[0].scope was added"),
        ({"rules": [{}]}, "rules[0].resources is missing"),
        ({"failurePolicy": "Ignore"}, "failurePolicy was added"),
    ],
)
def test_each_weakening_is_a_difference(there: dict[str, object], told: str) -> None:
    assert changed(there) == [told]


def test_the_rules_of_an_aggregated_role_are_the_clusters_to_fill_in() -> None:
    role = {"kind": "ClusterRole", "metadata": {}, "rules": [1]}
    assert part(role) == {"rules": [1]}
    assert part({**role, "aggregationRule": {"a": 1}}) == {"aggregationRule": {"a": 1}}


class _SlowApi:
    """Makes an object a moment after it is asked to, whatever becomes of who asked."""

    def __init__(self) -> None:
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()
        self.made: list[str] = []

    async def create(self, kind: Kind, obj: dict[str, Any]) -> None:
        self.asked.set()
        await self.go_on.wait()
        self.made.append(obj["metadata"]["name"])


async def test_what_is_being_made_is_made_before_it_is_taken_away() -> None:
    api = _SlowApi()
    making = asyncio.create_task(canary._make(SimpleNamespace(api=api), AGENT, {"metadata": {"name": "c"}}))  # type: ignore[arg-type]
    await api.asked.wait()
    making.cancel()
    await asyncio.sleep(0)
    assert not making.done()
    api.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert api.made == ["c"]
