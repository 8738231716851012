"""Notices to organisations, what each person has read and wants of them, the ways out of the house, and the watch."""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from audits.models import Finding
from jobs.models import Job
from ledger.append_only import append_only
from ledger.models import Statement
from portal.models import Draft
from registry.models import ApiToken, Membership, Organisation, Person
from tracking.models import Transfer


def _settled_or_waiting(waiting: str, name: str) -> models.CheckConstraint:
    """What waits knows when it is tried next, and what is settled knows since when; never both, never neither."""
    return models.CheckConstraint(
        condition=Q(state=waiting, next_attempt_at__isnull=False, settled_at__isnull=True)
        | (~Q(state=waiting) & Q(next_attempt_at__isnull=True, settled_at__isnull=False)),
        name=name,
    )


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
    WEBHOOKS_CHANGED = "webhooks.changed", "Webhook added, changed or deleted"
    WEBHOOK_STOPPED = "webhook.stopped", "Webhook stopped because it failed"


class Webhook(models.Model):
    """Where an organisation's programs are told of its notices, and of which kinds.

    The secret signs, so it must be read again: it is kept sealed (``notices.secrets``), with the one before it for a
    day after a rotation. A deleted webhook keeps its row without secrets, because notices name it.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="webhooks")
    label = models.CharField(max_length=80)
    url = models.CharField(max_length=500)
    kinds = ArrayField(models.CharField(max_length=20))
    sealed_secret = models.TextField()
    sealed_previous = models.TextField(blank=True)
    previous_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(sealed_previous="", previous_until__isnull=True)
                | (~Q(sealed_previous="") & Q(previous_until__isnull=False)),
                name="previous_secret_has_an_end",
            ),
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True)
                | Q(disabled_at__isnull=False, sealed_secret="", sealed_previous=""),
                name="deleted_webhook_has_no_secret",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def host(self) -> str:
        """Where it goes, without the path, in which some receivers carry a secret."""
        return urlsplit(self.url).netloc


class WebhookDeed(models.TextChoices):
    """What was done to a webhook; the last two by the house itself."""

    ADDED = "added", "was added"
    CHANGED = "changed", "was changed"
    ROTATED = "rotated", "got a new signing secret"
    DISABLED = "disabled", "was switched off"
    ENABLED = "enabled", "was switched on"
    DELETED = "deleted", "was deleted"
    FAILED = "failed", "was switched off, because every delivery failed for three days"
    GONE = "gone", "was switched off, because its receiver answered that it is gone (410)"


class WebhookEvent(models.Model):
    """What was done to a webhook, by whom (by pseudonym, empty for the house itself), and when."""

    webhook = models.ForeignKey(Webhook, on_delete=models.PROTECT, related_name="events", db_index=False)
    deed = models.CharField(max_length=8, choices=WebhookDeed)
    by = models.CharField(max_length=32, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(deed__in=WebhookDeed.values), name="webhook_deed_is_known")
        ]
        indexes = [models.Index(fields=["webhook", "-id"], name="webhook_history")]
        triggers = append_only()


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
    webhook_event = models.ForeignKey(
        WebhookEvent, on_delete=models.PROTECT, related_name="+", null=True, db_index=False
    )

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
    """What a person wants of an organisation's notices: up to which they have read all, which kinds stay silent.

    ``by_mail`` are the kinds that also come by mail; null until the person chooses (``notices.rules.first_by_mail``).
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", db_index=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    read_up_to = models.BigIntegerField(default=0)
    silent = ArrayField(models.CharField(max_length=20), default=list)
    by_mail = ArrayField(models.CharField(max_length=20), null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "organisation"], name="one_preference_of_a_person")
        ]


class MailingState(models.TextChoices):
    WAITING = "waiting"
    SENT = "sent"
    DROPPED = "dropped"
    FAILED = "failed"


class Mailing(models.Model):
    """That a person is told of a notice by mail, once; dropped when it was not theirs to read any more at sending."""

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="mailings", db_index=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", db_index=False)
    state = models.CharField(max_length=7, choices=MailingState, default=MailingState.WAITING)
    attempts = models.SmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["notice", "person"], name="notice_mailed_once_to_each"),
            models.CheckConstraint(condition=Q(state__in=MailingState.values), name="mailing_state_is_known"),
            _settled_or_waiting(MailingState.WAITING, "mailing_waits_or_is_settled"),
        ]
        indexes = [
            models.Index(
                fields=["person", "next_attempt_at"], condition=Q(state="waiting"), name="mailing_waits"
            ),
            models.Index(
                fields=["settled_at"], condition=Q(settled_at__isnull=False), name="mailing_settled"
            ),
        ]


class DeliveryState(models.TextChoices):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped", "Not sent"


class Delivery(models.Model):
    """One event for one webhook, and how its last attempt went. Without a notice it is a test.

    ``uid`` is what receivers know it by, the same in each attempt. ``body``, ``attempted_at`` and ``signature`` are
    what was sent, byte for byte; ``response`` is the beginning of what came back. ``asked_seconds`` is the pause that
    the receiver asked for, while the next attempt waits for that reason.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="+", null=True)
    kind = models.CharField(max_length=20)
    made_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=DeliveryState, default=DeliveryState.WAITING)
    attempts = models.SmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    asked_seconds = models.IntegerField(null=True)
    settled_at = models.DateTimeField(null=True)
    body = models.TextField(blank=True, default="")
    attempted_at = models.DateTimeField(null=True)
    signature = models.CharField(max_length=200, blank=True, default="")
    status = models.SmallIntegerField(null=True)
    response = models.TextField(blank=True, default="")
    duration_ms = models.IntegerField(null=True)
    error = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["webhook", "notice"], name="notice_delivered_once_to_each"),
            models.CheckConstraint(
                condition=Q(state__in=DeliveryState.values), name="delivery_state_is_known"
            ),
            _settled_or_waiting(DeliveryState.WAITING, "delivery_waits_or_is_settled"),
        ]
        indexes = [
            models.Index(fields=["webhook", "-id"], name="delivery_newest_first"),
            models.Index(
                fields=["webhook", "next_attempt_at"], condition=Q(state="waiting"), name="delivery_waits"
            ),
            models.Index(
                fields=["settled_at"], condition=Q(settled_at__isnull=False), name="delivery_settled"
            ),
        ]


class Watch(models.Model):
    """How far the watch has looked: one row, locked by whoever looks. ``position`` is the next one of the log."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    position = models.BigIntegerField()
    looked_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_watch")]
