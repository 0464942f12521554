"""Following a new agent until it runs, or until it is plain why it does not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from kgents.api.errors import KgentsError, NotFound
from kgents.cli.progress import follow_until_ready
from kgents.glass.answer import Answer, Source, dump

ENDED = "the container exited with code 1"


class Story:
    """A session that answers with one row after the other, the last one for ever."""

    def __init__(self, *rows: dict[str, Any], log: tuple[str, ...] = ()) -> None:
        self.rows: Iterator[dict[str, Any]] = iter(rows)
        self.last: dict[str, Any] = {}
        self.log = log

    def read(self, id: str, freshness: object, arguments: object = None, **names: str) -> Answer:
        if id == "agents.witness":
            return Answer("p", Source("cortex"), [dump({"line": line}) for line in self.log])
        self.last = next(self.rows, self.last)
        if not self.last:
            raise NotFound("not yet")
        return Answer("p", Source("cortex"), [dump(self.last)], many=False)


def follow(story: Story) -> None:
    ticks = count()
    follow_until_ready(story, "web", 10, clock=lambda: float(next(ticks)), pause=lambda _: None)  # type: ignore[arg-type]


def row(phase: str, ready: int = 0, **said: Any) -> dict[str, Any]:
    return {"name": "web", "phase": phase, "replicas": 1, "readyReplicas": ready, "restarts": 0, **said}


def test_each_change_is_told_once(capsys: pytest.CaptureFixture[str]):
    follow(Story({}, row("Pending"), row("Pending"), row("Running", 1)))
    assert capsys.readouterr().err.splitlines() == ["◎ Pending 0/1", "◎ Running 1/1"]


def test_a_failure_comes_with_its_reason_and_its_last_words(capsys: pytest.CaptureFixture[str]):
    failed = row("Failed", reason="the container exited with code 1.")
    with pytest.raises(KgentsError) as caught:
        follow(Story(failed, log=("Traceback", "KeyError: 'x'")))
    assert str(caught.value) == (
        "web does not run: the container exited with code 1. See kgents logs web, or remove it: kgents delete web"
    )
    assert "  │ KeyError: 'x'" in capsys.readouterr().err


def test_one_that_was_ready_for_a_moment_only_has_not_come_up():
    with pytest.raises(KgentsError, match="web does not run: the container exited"):
        follow(Story(row("Running", 1), row("Degraded"), row("Running", 1, restarts=1), row("Failed", reason=ENDED)))


def test_a_restart_between_two_looks_begins_the_wait_anew():
    with pytest.raises(KgentsError, match="web does not run: the container exited"):
        follow(Story(row("Running", 1), row("Running", 1, restarts=1), row("Failed", reason=ENDED)))


def test_one_that_crashes_again_and_again_is_given_up():
    with pytest.raises(KgentsError, match="web does not run"):
        follow(Story(row("Pending"), row("Degraded", restarts=2)))


def test_time_runs_out_with_what_is_known():
    with pytest.raises(KgentsError, match="web is not ready after 10 s: no image"):
        follow(Story(row("Pending", reason="no image")))
