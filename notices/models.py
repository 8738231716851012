"""Notices to organisations, what each person has read of them, and how far we looked."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from audits.models import Finding
from jobs.models import Job
from ledger.models import Statement
from portal.models import Draft
from registry.models import ApiToken, Membership, Organisation, Person
from tracking.models import Transfer


class Kind(models.TextChoices):
    TRANSFER_DISPATCHED = "transfer.dispatched", "Transfer dispatched to you"
    TRANSFER_ANSWERED = "transfer.answered", "Transfer answered by the other side"
    TRANSFER_OVERDUE = "transfer.overdue", "Transfer overdue"
    FINDING_OPENED = "finding.opened", "Finding opened"
    FINDING_WORSENED = "finding.worsened", "Finding worsened"
    FINDING_EXPLAINED = "finding.explained", "Finding explained"
    FINDING_DECIDED = "finding.decided", "Finding decided"
    FINDING_DUE = "finding.due", "Explanation overdue"
    PAPER_WAITING = "paper.waiting", "Paper waits for a signature"
    JOB_ENDED = "job.ended", "Job ended"
    KEYS_CHANGED = "keys.changed", "Keys or signing policy changed"
    TOKENS_CHANGED = "tokens.changed", "API token made or ended"
    PEOPLE_CHANGED = "people.changed", "Colleague joined or left"


class Notice(models.Model):
    """One fact that one organisation is told once; the typed columns lead to what it is about.

    ``fact`` names the fact among all of an organisation's, so that looking twice at it tells it once. ``severity`` is
    the finding's when it was told. Whether somebody may see what it is about is asked anew whenever it is shown.
    """

    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="notices", db_index=False
    )
    kind = models.CharField(max_length=20, choices=Kind)
    fact = models.CharField(max_length=80, db_collation="C")
    happened_at = models.DateTimeField()
    made_at = models.DateTimeField()
    severity = models.SmallIntegerField(null=True)
    statement = models.ForeignKey(
        Statement, on_delete=models.PROTECT, related_name="+", null=True, db_constraint=False, db_index=False
    )
    transfer = models.ForeignKey(
        Transfer, on_delete=models.CASCADE, related_name="+", null=True, db_index=False
    )
    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="notices", null=True)
    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="+", null=True)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+", null=True)
    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="+", null=True)
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="+", null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "fact"], name="notice_once_for_each_fact"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="notice_kind_is_known"),
        ]
        indexes = [models.Index(fields=["organisation", "-id"], name="notice_newest_first")]


class ReadMark(models.Model):
    """That a person has read a notice."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", db_index=False)
    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="read_marks")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "notice"], name="notice_read_once")]


class Preference(models.Model):
    """What a person wants of an organisation's notices: up to which they have read all, which kinds stay silent."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", db_index=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    read_up_to = models.BigIntegerField(default=0)
    silent = ArrayField(models.CharField(max_length=20), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "organisation"], name="one_preference_of_a_person")
        ]


class Watch(models.Model):
    """How far the watch has looked: one row, locked by whoever looks. ``position`` is the next one of the log."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    position = models.BigIntegerField()
    looked_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_watch")]
