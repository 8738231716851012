"""Celery only wakes jobs: a message that is lost costs a few seconds, never a job."""

from __future__ import annotations

from celery import shared_task

from chipledger import clock
from jobs import actions, queries


@shared_task
def wake(job_id: str) -> None:
    """Do this job now, unless somebody has it."""
    actions.run_job(job_id)


@shared_task
def wake_waiting() -> None:
    """Send the wake-up again for jobs that wait or whose worker died."""
    for job_id in queries.waiting_jobs(at=clock.now()):
        wake.delay(str(job_id))
