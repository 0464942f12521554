"""CronJob → Jobs, by the clock. https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from kgents.api.errors import KgentsError
from kgents.api.kinds import CRON_JOB, JOB
from kgents.embedded.controllers.cache import Cache
from kgents.embedded.controllers.events import Recorder
from kgents.embedded.controllers.job_plan import is_over
from kgents.embedded.controllers.objects import (
    Key,
    Object,
    condition,
    controller_of,
    created,
    format_time,
    is_deleting,
    key_of,
    owner_reference,
    parse_time,
)
from kgents.embedded.controllers.refusals import until_namespace_goes
from kgents.embedded.controllers.schedule import Schedule, schedule_of
from kgents.kube.client import KubeClient
from kgents.kube.errors import AlreadyExists, ObjectNotFound
from kgents.kube.queue import Controller

SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
_LONGEST_WAIT = 3600.0
"""Seconds after which the clock is looked at again: it may have been set, and a laptop sleeps."""


class CronJobs:
    """Begins the Jobs of every CronJob, and clears away those that are over."""

    def __init__(
        self, api: KubeClient, cron_jobs: Cache, jobs: Cache, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._api = api
        self._cron_jobs = cron_jobs
        self._jobs = jobs
        self._clock = clock
        self._events = Recorder(api, "cronjob-controller")
        self.controller: Controller[Key] = Controller("cronjob", until_namespace_goes(self.reconcile))
        cron_jobs.informer.on_change(lambda _, obj: self.controller.enqueue(key_of(obj)))
        jobs.informer.on_change(self._job_changed)

    def _job_changed(self, event: str, job: Object) -> None:
        owner = controller_of(job)
        if owner is not None and owner["kind"] == CRON_JOB.kind:
            self.controller.enqueue((job["metadata"]["namespace"], owner["name"]))

    async def reconcile(self, key: Key) -> float | None:
        """Begin what is due. Returns the seconds until the next time."""
        cron = self._cron_jobs.get(*key)
        if cron is None or is_deleting(cron):
            return None
        now = self._clock()
        status = dict(cron.get("status") or {})
        await self._settle(cron, status)
        again: float | None = None
        if not cron["spec"].get("suspend"):
            since = parse_time(status.get("lastScheduleTime") or created(cron)) or now
            try:
                schedule = schedule_of(cron, since)
            except KgentsError as error:
                message = f"invalid schedule: {cron['spec'].get('schedule')} : {error}"
                await self._tell(cron, "UnparseableSchedule", message, warning=True)
            else:
                await self._begin_due(cron, status, schedule, since, now)
                following = schedule.next(now)
                again = min(max(0.05, (following - now).total_seconds()), _LONGEST_WAIT) if following else None
        await self._report(cron, status)
        return again

    def _own(self, cron: Object) -> list[Object]:
        uid = cron["metadata"]["uid"]
        return [job for job in self._jobs.owned_by(uid) if (controller_of(job) or {}).get("uid") == uid]

    async def _settle(self, cron: Object, status: Object) -> None:
        """Tell of Jobs that ended, keep the list of the others, and delete old ones beyond the limits."""
        jobs = self._own(cron)
        active = {entry["uid"] for entry in status.get("active") or ()}
        over = [job for job in jobs if is_over(job)]
        for job in over:
            done = _ended_at(job)
            if job["metadata"]["uid"] in active:
                outcome = "Complete" if done else "Failed"
                message = f"Saw completed job: {job['metadata']['name']}, condition: {outcome}"
                await self._tell(cron, "SawCompletedJob", message)
            if done and done > (status.get("lastSuccessfulTime") or ""):
                status["lastSuccessfulTime"] = done
        status["active"] = [_reference(job) for job in sorted(jobs, key=created) if not is_over(job)]
        await self._clear(cron, [job for job in over if _ended_at(job)], "successfulJobsHistoryLimit", 3)
        await self._clear(cron, [job for job in over if not _ended_at(job)], "failedJobsHistoryLimit", 1)

    async def _clear(self, cron: Object, jobs: list[Object], limit: str, default: int) -> None:
        kept = cron["spec"].get(limit)
        kept = default if kept is None else int(kept)
        for job in sorted(jobs, key=created)[: max(0, len(jobs) - kept)]:
            await self._delete(cron, job)

    async def _begin_due(
        self, cron: Object, status: Object, schedule: Schedule, since: datetime, now: datetime
    ) -> None:
        due = schedule.last(now)
        if due is None or due <= since:
            return
        name = f"{cron['metadata']['name']}-{int(due.timestamp()) // 60}"
        if any(job["metadata"]["name"] == name for job in self._own(cron)):
            # An earlier look was ended before it could say so.
            status["lastScheduleTime"] = format_time(due)
            return
        patience = cron["spec"].get("startingDeadlineSeconds")
        if patience is not None and due + timedelta(seconds=int(patience)) < now:
            message = f"Missed scheduled time to start a job: {due:%a, %d %b %Y %H:%M:%S +0000}"
            await self._tell(cron, "MissSchedule", message, warning=True)
            return
        policy = cron["spec"].get("concurrencyPolicy")
        if policy == "Forbid" and status["active"]:
            message = "Not starting job because prior execution is running and concurrency policy is Forbid"
            await self._tell(cron, "JobAlreadyActive", message)
            return
        if policy == "Replace":
            for job in self._own(cron):
                if not is_over(job):
                    await self._delete(cron, job)
            status["active"] = []
        made = await self._begin(cron, name, schedule.local(due))
        if made is not None:
            status["active"] = [*status["active"], _reference(made)]
        status["lastScheduleTime"] = format_time(due)

    async def _begin(self, cron: Object, name: str, due: datetime) -> Object | None:
        """The Job of that time. Its name says which time: whoever comes second finds it there."""
        template = cron["spec"]["jobTemplate"]
        metadata = template.get("metadata") or {}
        job = {
            "apiVersion": JOB.api_version,
            "kind": JOB.kind,
            "metadata": {
                "name": name,
                "namespace": cron["metadata"]["namespace"],
                "labels": dict(metadata.get("labels") or {}),
                "annotations": {**(metadata.get("annotations") or {}), SCHEDULED: due.isoformat()},
                "ownerReferences": [owner_reference(CRON_JOB, cron)],
            },
            "spec": template.get("spec") or {},
        }
        try:
            made = await self._api.create(JOB, job)
        except AlreadyExists:
            return None
        except KgentsError as error:
            await self._tell(cron, "FailedCreate", f"Error creating job: {error.what}", warning=True)
            raise
        self._jobs.note(made)
        await self._tell(cron, "SuccessfulCreate", f"Created job {name}")
        return made

    async def _delete(self, cron: Object, job: Object) -> None:
        if is_deleting(job):
            return
        meta = job["metadata"]
        await self._api.delete(
            JOB, meta["name"], meta["namespace"], uid=meta["uid"], propagation="Background", missing_ok=True
        )
        self._jobs.note_deleted(job)
        await self._tell(cron, "SuccessfulDelete", f"Deleted job {meta['name']}")

    async def _report(self, cron: Object, status: Object) -> None:
        if not status["active"]:
            status.pop("active")
        if status == (cron.get("status") or {}):
            return
        try:
            answer = await self._api.replace(CRON_JOB, {**cron, "status": status}, subresource="status")
        except ObjectNotFound:
            return
        self._cron_jobs.note(answer)

    async def _tell(self, cron: Object, reason: str, message: str, *, warning: bool = False) -> None:
        await self._events.record(CRON_JOB, cron, reason, message, warning=warning)


def _ended_at(job: Object) -> str | None:
    """When a Job succeeded; None for one that did not."""
    done = condition(job, "Complete")
    if done is None or done.get("status") != "True":
        return None
    return (job.get("status") or {}).get("completionTime") or done.get("lastTransitionTime") or ""


def _reference(job: Object) -> Object:
    meta = job["metadata"]
    return {
        "apiVersion": JOB.api_version,
        "kind": JOB.kind,
        "name": meta["name"],
        "namespace": meta["namespace"],
        "uid": meta["uid"],
        "resourceVersion": meta["resourceVersion"],
    }
