"""What a Job reports: counts, times and conditions, with Kubernetes' reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kgents.embedded.controllers.job_plan import Outcome
from kgents.embedded.controllers.job_tally import Tally
from kgents.embedded.controllers.objects import Object, condition, format_time


@dataclass(slots=True)
class Report:
    """A status in the making, and the Events that go with it: (reason, message, warning)."""

    job: Mapping[str, Any]
    now: datetime
    failed_indexes: str | None = None
    events: list[tuple[str, str, bool]] = field(default_factory=list)
    _conditions: list[Object] = field(default_factory=list)
    _start: str | None = None
    _completed: bool = False

    def __post_init__(self) -> None:
        status = self.job.get("status") or {}
        self._conditions = [dict(one) for one in status.get("conditions") or ()]
        self._start = status.get("startTime")
        if self._start is None and not self.job["spec"].get("suspend"):
            self._start = format_time(self.now)

    def say(self, kind: str, status: str, reason: str, message: str) -> bool:
        """Set a condition. False when it stood so already."""
        known = condition(self.job, kind)
        if known is not None and known.get("status") == status:
            return False
        stamp = format_time(self.now)
        entry = {
            "type": kind,
            "status": status,
            "lastProbeTime": stamp,
            "lastTransitionTime": stamp,
            "reason": reason,
            "message": message,
        }
        self._conditions = [one for one in self._conditions if one["type"] != kind] + [entry]
        return True

    def restart(self) -> None:
        """The clock of activeDeadlineSeconds begins anew."""
        self._start = format_time(self.now)

    def ends(self, outcome: Outcome, *, finally_: bool) -> None:
        """The Job ends so; `finally_` once none of its pods is left."""
        self.say(outcome.interim, "True", outcome.reason, outcome.message)
        if not finally_:
            return
        self._completed = outcome.final == "Complete"
        if self.say(outcome.final, "True", outcome.reason, outcome.message):
            event = (
                ("Completed", "Job completed", False) if self._completed else (outcome.reason, outcome.message, True)
            )
            self.events.append(event)

    def of(self, counts: Tally) -> Object:
        """The whole status."""
        status: Object = {"ready": counts.ready, "terminating": len(counts.terminating), **counts.notes()}
        if counts.active:
            status["active"] = len(counts.active)
        if self._start:
            status["startTime"] = self._start
        if self._completed:
            status["completionTime"] = format_time(self.now)
        if self.failed_indexes is not None:
            status["failedIndexes"] = self.failed_indexes
        if not status.get("completedIndexes"):
            status.pop("completedIndexes", None)
        if self._conditions:
            status["conditions"] = self._conditions
        return status


def suspension(job: Mapping[str, Any], report: Report) -> None:
    """Say that the Job is suspended, or that it goes on again."""
    if job["spec"].get("suspend"):
        if report.say("Suspended", "True", "JobSuspended", "Job suspended"):
            report.events.append(("Suspended", "Job suspended", False))
    elif condition(job, "Suspended") and report.say("Suspended", "False", "JobResumed", "Job resumed"):
        report.restart()
        report.events.append(("Resumed", "Job resumed", False))
