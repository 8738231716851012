"""One row for each piece of long work: its state, its lease, its progress and what it refused."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q


class JobState(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN_STATES = (JobState.QUEUED, JobState.RUNNING)


class Job(models.Model):
    """A piece of work that survives its worker: whoever holds the lease with the newest fencing token may write.

    ``scope`` is the handle of the organisation that may see it, empty for the house's own work, and ``asked_by`` the
    pseudonym of the person who asked for it, empty for a program; this room knows no more about them than that.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=64)
    scope = models.CharField(max_length=63, blank=True, default="")
    asked_by = models.CharField(max_length=32, blank=True, default="", db_default="")
    arguments = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=JobState, default=JobState.QUEUED)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True)
    lease_until = models.DateTimeField(null=True)
    fencing = models.BigIntegerField(default=0)
    attempts = models.IntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    result = models.JSONField(null=True)
    problem = models.JSONField(null=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="job_state_is_known"),
            models.CheckConstraint(
                condition=Q(state__in=OPEN_STATES, finished_at__isnull=True)
                | (~Q(state__in=OPEN_STATES) & Q(finished_at__isnull=False)),
                name="job_is_finished_exactly_when_it_ended",
            ),
        ]
        indexes = [
            models.Index(fields=["lease_until"], condition=Q(state__in=OPEN_STATES), name="job_open"),
            models.Index(fields=["scope", "-created_at"], name="job_scope"),
        ]


class JobLine(models.Model):
    """One line of a job's log."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="lines")
    at = models.DateTimeField()
    text = models.CharField(max_length=500)


class RejectedRows(models.Model):
    """A part of the file of rows that a job refused, in order."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="rejected_parts")
    part = models.IntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "part"], name="rejected_part_once")]


class JobInput(models.Model):
    """A part of the file that a job was given to work on, in order; it is removed when the job needs it no more."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="input_parts")
    part = models.IntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "part"], name="job_input_part_once")]
