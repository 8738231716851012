"""Reading jobs: those that wait, what one was given to work on, and the rows it rejected."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from jobs.models import Job, JobInput, JobState, RejectedRows


def waiting_jobs(*, at: datetime, limit: int = 100) -> list[UUID]:
    """Jobs nobody has: queued for more than five seconds, or with a lease that ran out. Oldest first."""
    forgotten = Q(state=JobState.QUEUED, created_at__lt=at - timedelta(seconds=5))
    abandoned = Q(state=JobState.RUNNING, lease_until__lt=at)
    return list(
        Job.objects.filter(forgotten | abandoned).order_by("created_at").values_list("pk", flat=True)[:limit]
    )


def rejected_rows(job: Job) -> Iterator[bytes]:
    """The job's rejected-rows file (CSV: row, field, value, code, sentence), piece by piece."""
    parts = RejectedRows.objects.filter(job=job).order_by("part").values_list("content", flat=True)
    for content in parts.iterator(chunk_size=4):
        yield bytes(content)


def job_input(job: Job) -> Iterator[bytes]:
    """The file that the job was given, piece by piece."""
    parts = JobInput.objects.filter(job=job).order_by("part").values_list("content", flat=True)
    for content in parts.iterator(chunk_size=4):
        yield bytes(content)
