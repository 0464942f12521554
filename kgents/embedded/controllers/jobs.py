"""Job → Pods, until enough of them have succeeded, or too many have failed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from kgents.api.errors import KgentsError
from kgents.api.kinds import JOB
from kgents.embedded.controllers import job_plan
from kgents.embedded.controllers.cache import Cache
from kgents.embedded.controllers.events import Recorder
from kgents.embedded.controllers.job_indexes import format_indexes
from kgents.embedded.controllers.job_plan import Outcome, Steps
from kgents.embedded.controllers.job_pods import new_pod
from kgents.embedded.controllers.job_status import Report, suspension
from kgents.embedded.controllers.job_tally import TRACKING, Tally, is_tracked, tally
from kgents.embedded.controllers.objects import Key, Object, controller_of, is_deleting, key_of, labels_of, selects
from kgents.embedded.controllers.pod_control import PodControl
from kgents.embedded.controllers.refusals import until_namespace_goes
from kgents.kube.client import KubeClient
from kgents.kube.errors import ObjectNotFound
from kgents.kube.queue import Controller

_MANAGED_BY = "kubernetes.io/job-controller"


class Jobs:
    """Runs every Job that names no other controller."""

    def __init__(
        self, api: KubeClient, jobs: Cache, pods: Cache, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._api = api
        self._jobs = jobs
        self._pods = pods
        self._clock = clock
        self._events = Recorder(api, "job-controller")
        self._control = PodControl(api, JOB, pods, self._events, TRACKING)
        self.controller: Controller[Key] = Controller("job", until_namespace_goes(self.reconcile))
        jobs.informer.on_change(lambda _, obj: self.controller.enqueue(key_of(obj)))
        self._control.follow(jobs, self.controller)
        pods.informer.on_change(self._see_tracked)

    def _see_tracked(self, event: str, pod: Object) -> None:
        for _, key in by_job(pod):
            self.controller.enqueue(key)

    async def reconcile(self, key: Key) -> float | None:
        """Take one Job a step further. Returns seconds until time alone changes something."""
        job = self._jobs.get(*key)
        await self._free_orphans(key, job)
        if job is None or job["spec"].get("managedBy") not in (None, _MANAGED_BY):
            return None
        if job_plan.is_over(job):
            return await self._after(job)
        pods = await self._control.claim(job)
        job, counts, outcome = await self._count(job, pods)
        report = Report(job, self._clock())
        again, failure = None, None
        try:
            again = await self._act(job, pods, counts, outcome, report)
        except KgentsError as error:
            failure = error
        await self._write(job, report.of(counts))
        for reason, message, warning in report.events:
            await self._events.record(JOB, job, reason, message, warning=warning)
        if failure is not None:
            raise failure
        return again

    async def _count(self, job: Object, pods: list[Object]) -> tuple[Object, Tally, Outcome | None]:
        """Note the pods that ended, let them go, and count them. Returns the Job with that status."""
        now = self._clock()
        outcome = job_plan.known_outcome(job)
        counts = tally(job, pods, failing=outcome is not None and outcome.final == "Failed")
        outcome = outcome or job_plan.failure(job, pods, counts, now)
        if counts.release:
            job = await self._write(job, {**(job.get("status") or {}), **counts.notes()})
            for pod in counts.release:
                await self._control.drop_finalizer(pod, TRACKING)
        counts.count()
        return job, counts, outcome

    async def _act(
        self, job: Object, pods: list[Object], counts: Tally, outcome: Outcome | None, report: Report
    ) -> float | None:
        now = self._clock()
        failed = job_plan.failed_indexes(job, pods)
        if job["spec"].get("backoffLimitPerIndex") is not None:
            report.failed_indexes = format_indexes(failed)
            outcome = outcome or job_plan.index_failure(job, counts, failed)
        outcome = outcome or job_plan.success_policy(job, counts)
        again: float | None = None
        if outcome is None and not is_deleting(job):
            todo = job_plan.steps(job, pods, counts, failed, now)
            await self._resize(job, pods, counts, todo)
            waits = [wait for wait in (todo.wait, job_plan.time_to_deadline(job, now)) if wait is not None]
            again = max(0.05, min(waits).total_seconds()) if waits else None
            outcome = job_plan.completion(job, counts)
            if outcome is None:
                suspension(job, report)
        if outcome is not None:
            # With their finalizers: what had to be ended counts as a failure.
            await self._control.delete_all(job, counts.active)
            counts.terminating += counts.active
            counts.active = []
            report.ends(outcome, finally_=not counts.terminating)
        return again

    async def _resize(self, job: Object, pods: list[Object], counts: Tally, todo: Steps) -> None:
        """Make and end pods. Those that the Job itself ends are nobody's failure: they lose the finalizer first."""
        for pod in todo.delete:
            await self._control.drop_finalizer(pod, TRACKING)
            await self._control.delete(job, pod)
            counts.active.remove(pod)
            counts.terminating.append(pod)
        last = job_plan.last_failures(job, pods) if counts.is_indexed else {}
        made = [new_pod(job, index, None if index is None else last.get(index)) for index in todo.create]
        await self._control.create_all(job, made)
        known = {pod["metadata"]["uid"] for pod in pods}
        counts.active += [pod for pod in self._control.of(job) if pod["metadata"]["uid"] not in known]

    async def _write(self, job: Object, status: Object) -> Object:
        """The Job with that status. A Job that is gone needs none; Conflict is raised."""
        if status == (job.get("status") or {}):
            return job
        try:
            answer = await self._api.replace(JOB, {**job, "status": status}, subresource="status")
        except ObjectNotFound:
            self._jobs.note_deleted(job)
            return job
        self._jobs.note(answer)
        return answer

    async def _after(self, job: Object) -> float | None:
        """The end is written: let go of what is left, and delete the Job when its time has come."""
        for pod in tally(job, self._control.of(job), over=True).release:
            await self._control.drop_finalizer(pod, TRACKING)
        left = job_plan.time_to_live(job, self._clock())
        if left is None or is_deleting(job):
            return None
        if left > timedelta():
            return left.total_seconds()
        meta = job["metadata"]
        fixed = {"uid": meta["uid"], "resource_version": meta["resourceVersion"]}
        await self._api.delete(JOB, meta["name"], meta["namespace"], propagation="Foreground", missing_ok=True, **fixed)
        return None

    async def _free_orphans(self, key: Key, job: Object | None) -> None:
        """Pods of a Job that is no more have nobody to count them, and would never go."""
        for pod in self._pods.indexed(("tracked", key)):
            owner = controller_of(pod)
            lives = job is not None and not is_deleting(job)
            adoptable = (
                lives and owner is None and selects(job["spec"].get("selector") if job else None, labels_of(pod))
            )
            owned = owner is not None and job is not None and owner["uid"] == job["metadata"]["uid"]
            if not owned and not adoptable:
                await self._control.drop_finalizer(pod, TRACKING)


def by_job(pod: Object) -> list[tuple[str, Key]]:
    """An index of pods: tracked ones by the Job that they name; an empty name where they name none."""
    if not is_tracked(pod):
        return []
    owner = controller_of(pod)
    name = owner["name"] if owner is not None else labels_of(pod).get("batch.kubernetes.io/job-name", "")
    return [("tracked", (pod["metadata"]["namespace"], name))]
