"""Starting, doing, ending and cancelling jobs. A job is done by whoever holds its lease, and ends exactly once."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F, Q

from chipledger import clock
from chipledger.refusals import Refused
from jobs.models import OPEN_STATES, Job, JobInput, JobLine, JobState, RejectedRows
from jobs.runners import Cancelled, Rejections, Work, runner_of

LEASE: Final = timedelta(seconds=settings.JOB_LEASE_SECONDS)
HEARTBEAT_SECONDS: Final = 1.0
MAX_ATTEMPTS: Final = 5
MAX_CLAIMS: Final = 50
"""So often a job is taken up in all: one that kills its worker each time, by its memory for instance, ends then."""


@transaction.atomic
def enqueue(
    kind: str,
    *,
    scope: str = "",
    asked_by: str = "",
    arguments: dict[str, object] | None = None,
    content: Iterable[bytes] = (),
    wake: bool = True,
) -> Job:
    """Write a job down, with the file it works on; it is acknowledged when this transaction commits.

    A worker is woken right after, unless the caller does the job itself; should the caller die, beat finds it.
    """
    from jobs import tasks

    job = Job.objects.create(
        kind=kind, scope=scope, asked_by=asked_by, arguments=arguments or {}, created_at=clock.now()
    )
    for number, part in enumerate(content):
        JobInput.objects.create(job=job, part=number, content=part)

    def wake_worker() -> None:
        tasks.wake.delay(str(job.id))

    if wake:
        # Without a broker the job waits until beat finds it. (Django can name a failing function, but not a partial.)
        transaction.on_commit(wake_worker, robust=True)
    return job


@transaction.atomic
def cancel_job(job: Job) -> None:
    """Ask a job to stop: a waiting one ends here, a running one at its next step; its log says that it was asked."""
    now = clock.now()
    ended = Job.objects.filter(pk=job.pk, state=JobState.QUEUED).update(
        state=JobState.CANCELLED, cancel_requested=True, finished_at=now
    )
    if ended:
        JobInput.objects.filter(job=job).delete()
    elif not Job.objects.filter(pk=job.pk, state=JobState.RUNNING).update(cancel_requested=True):
        raise Refused(
            "job_ended",
            "This job has already ended; its page says how. Begin it again if it is still wanted.",
            status=409,
        )
    JobLine.objects.create(job=job, at=now, text="Asked to stop")


def run_job(job_id: UUID | str) -> Job | None:
    """Do a job if it waits or its worker has died; None when somebody else has it or it has ended."""
    job = _claim(job_id)
    if job is None:
        return None
    work = Work(job=job)
    try:
        with _heartbeat(work):
            result = runner_of(job.kind)(work)
        _finish(work, JobState.SUCCEEDED, result=result)
    except Cancelled:
        _finish(work, JobState.CANCELLED)
    except Refused as refused:
        _finish(work, JobState.FAILED, problem=refused.as_problem())
    except Exception:
        # What went wrong goes to our own log with the exception: it may quote what the job's owner must not see.
        # A database that went away is nobody's fault: when the lease has run out, the job is done again.
        if job.attempts >= MAX_ATTEMPTS and connection.is_usable():
            _finish(
                work,
                JobState.FAILED,
                problem={"code": "broke_down", "title": "The job broke down; nothing was booked."},
            )
        raise
    finally:
        work.rejections.close()
    return Job.objects.get(pk=job.pk)


def _claim(job_id: UUID | str) -> Job | None:
    """Take the lease by compare-and-swap; the fencing token grows, so that an earlier holder can no longer write."""
    now = clock.now()
    free = Q(state=JobState.QUEUED) | Q(state=JobState.RUNNING, lease_until__lt=now)
    Job.objects.filter(free, pk=job_id, attempts__gte=MAX_CLAIMS).update(
        state=JobState.FAILED,
        fencing=F("fencing") + 1,
        problem={
            "code": "worker_died",
            "title": "Every worker that took this job died. See what was booked before you ask again.",
        },
        finished_at=now,
        lease_until=None,
    )
    taken = Job.objects.filter(free, pk=job_id).update(
        state=JobState.RUNNING,
        lease_until=now + LEASE,
        fencing=F("fencing") + 1,
        attempts=F("attempts") + 1,
        started_at=now,
    )
    return Job.objects.get(pk=job_id) if taken else None


@contextmanager
def _heartbeat(work: Work) -> Iterator[None]:
    """Keep the lease alive and the progress visible from a second connection, while the work holds its transaction."""
    stopped = threading.Event()

    def beat() -> None:
        try:
            while not stopped.wait(HEARTBEAT_SECONDS):
                try:
                    _report(work)
                except (OperationalError, InterfaceError):
                    connection.close()  # the next beat connects anew; without one the lease runs out
        finally:
            connection.close()

    thread = threading.Thread(target=beat, name=f"heartbeat-{work.job.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _report(work: Work) -> None:
    mine = Job.objects.filter(pk=work.job.pk, fencing=work.job.fencing, state=JobState.RUNNING)
    kept = mine.update(lease_until=clock.now() + LEASE, done=work.done, total=work.total)
    if not kept or mine.filter(cancel_requested=True).exists():
        work.cancelled = True


def hand_on_input(job: Job, *, to: Job) -> None:
    """Give the file of a job that ended to another that goes on with it.

    Raises Refused when it is gone, to another job perhaps.
    """
    if not JobInput.objects.filter(job=job).update(job=to):
        raise Refused("input_gone", "The file of this check is no longer here; drop it again.", status=409)


@transaction.atomic
def _finish(
    work: Work,
    state: JobState,
    *,
    result: dict[str, object] | None = None,
    problem: dict[str, object] | None = None,
) -> None:
    now = clock.now()
    ended = Job.objects.filter(pk=work.job.pk, fencing=work.job.fencing, state__in=OPEN_STATES).update(
        state=state,
        result=result,
        problem=problem,
        done=work.done,
        total=work.total,
        finished_at=now,
        lease_until=None,
    )
    if not ended:
        return
    if not work.keeps_input or state != JobState.FAILED:
        JobInput.objects.filter(job=work.job).delete()
    JobLine.objects.bulk_create([JobLine(job=work.job, at=now, text=line) for line in work.lines])
    if work.rejections.total:
        _keep_rejections(work.job, work.rejections, result=result or {})


@transaction.atomic
def record_refusal(kind: str, *, scope: str, rejections: Rejections, problem: dict[str, object]) -> Job:
    """Keep what was refused while somebody waited for it, as a job that has failed: with every row at fault."""
    now = clock.now()
    job = Job.objects.create(
        kind=kind, scope=scope, state=JobState.FAILED, problem=problem, created_at=now, finished_at=now
    )
    _keep_rejections(job, rejections, result={})
    return job


def _keep_rejections(job: Job, rejections: Rejections, *, result: dict[str, object]) -> None:
    for number, part in enumerate(rejections.parts()):  # a row for each MiB, so that memory holds one
        RejectedRows.objects.create(job=job, part=number, content=part)
    summary = {"counts": dict(rejections.counts), "shown": rejections.shown}
    Job.objects.filter(pk=job.pk).update(result={**result, "rejected": summary})
