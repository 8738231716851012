"""Policies, sweeps and findings: what the difference between book and silicon means, and what became of it."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from jobs.models import Job
from ledger.append_only import append_only
from ledger.models import Statement
from registry.models import Chip, ChipModel, Organisation, Site
from tracking.models import Account, Transfer


class Policy(models.Model):
    """A line that clusters must not cross unseen, from one day to another, in some countries (none named: in all)."""

    class Grouping(models.TextChoices):
        SITE = "site"
        OWNER = "owner"

    code = models.CharField(max_length=63)
    title = models.CharField(max_length=200)
    source = models.CharField(max_length=200)
    regulator = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="policies")
    countries = ArrayField(models.CharField(max_length=2), default=list)
    grouping = models.CharField(max_length=5, choices=Grouping)
    networked_above_mbit_s = models.BigIntegerField(null=True)
    above_tpp = models.BigIntegerField(null=True)
    above_fp16_gflops = models.BigIntegerField(null=True)
    above_memory_mb = models.BigIntegerField(null=True)
    effective_from = models.DateTimeField()
    effective_until = models.DateTimeField(null=True)
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="+", db_constraint=False)

    class Meta:
        verbose_name_plural = "policies"
        constraints = [
            models.UniqueConstraint(fields=["code", "effective_from"], name="policy_version_once"),
            models.CheckConstraint(
                condition=Q(above_tpp__isnull=False)
                | Q(above_fp16_gflops__isnull=False)
                | Q(above_memory_mb__isnull=False),
                name="policy_has_a_line",
            ),
        ]


class Sweep(models.Model):
    """One round of all rules: when it looked, how long it took, and what each rule did.

    ``counts`` maps each step that is done to what it saw, opened, cleared and left open; a sweep whose worker died goes
    on with the steps that are not in it. Steps that measure also say the size of the newest ``checkpoint`` then.
    """

    at = models.DateTimeField()
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="sweep", null=True)
    finished_at = models.DateTimeField(null=True)
    counts = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(
                fields=["-finished_at"], condition=Q(finished_at__isnull=False), name="sweep_newest_finished"
            ),
            models.Index(fields=["-at"], name="sweep_by_time"),
        ]


class Cluster(models.Model):
    """What the newest sweep counted at one site, at sites linked as one, or under one beneficial owner, for one policy.

    ``key`` is the code of a site or the handle of an owner; ``members`` the sites or organisations that make it up,
    the strongest first, at most fifty of ``member_count``. ``one_is_enough``: a single site is above the line by
    itself. ``is_declared``: the slots declared for its sites hold its chips. ``is_shared``: its sites belong to several
    organisations, none of which may learn the sum. Units: TPP, 1e9 FP16 operations a second,
    megabytes (1e6 bytes) of counted memory.
    """

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="clusters")
    key = models.CharField(max_length=63, db_collation="C")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+", null=True)
    countries = ArrayField(models.CharField(max_length=2))
    members = ArrayField(models.CharField(max_length=63))
    member_count = models.IntegerField()
    is_shared = models.BooleanField()
    chips = models.BigIntegerField()
    tpp = models.BigIntegerField()
    fp16_gflops = models.BigIntegerField()
    memory_mb = models.BigIntegerField()
    is_above = models.BooleanField()
    one_is_enough = models.BooleanField()
    is_declared = models.BooleanField()
    measured_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["policy", "key"], name="cluster_once_for_each_policy")]
        indexes = [models.Index(fields=["-tpp", "-id"], name="cluster_strongest_first")]


class Stock(models.Model):
    """Chips of one model on one account, as the newest sweep counted them for its clusters: what these are made of."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    model = models.ForeignKey(ChipModel, on_delete=models.PROTECT, related_name="+", db_index=False)
    chips = models.BigIntegerField()
    measured_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "model"], name="stock_once")]


class Balance(models.Model):
    """What the newest sweep counted for an organisation at a site: book inventory against what the silicon proved.

    ``on_hand`` is the book inventory; ``installed`` the part of it that is in service and owes evidence. A chip is
    *seen* in a grade when fresh evidence of that grade places it at this very site. ``unaccounted`` is installed − seen
    in the hardware grade. Chips under way from here, and declared losses, stand apart. ``tpp`` is that of the chips
    on hand.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="balances")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    on_hand = models.BigIntegerField()
    installed = models.BigIntegerField()
    in_transit = models.BigIntegerField()
    lost = models.BigIntegerField()
    stolen = models.BigIntegerField()
    retired = models.BigIntegerField()
    destroyed = models.BigIntegerField()
    exported = models.BigIntegerField()
    seen_hardware = models.BigIntegerField()
    seen_inspected = models.BigIntegerField()
    seen_host = models.BigIntegerField()
    seen_weaker = models.BigIntegerField()
    unaccounted = models.BigIntegerField()
    tpp = models.BigIntegerField(default=0)
    measured_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "site"], name="balance_once")]


class DailyBalance(models.Model):
    """What stood in a balance at the end of a day: chips that owe evidence, and how many of them gave it.

    The last sweep of a day counts, by UTC. Pairs without chips in service that day have no row.
    """

    day = models.DateField()
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    installed = models.BigIntegerField()
    seen_hardware = models.BigIntegerField()
    measured_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "organisation", "site"], name="daily_balance_once")
        ]


class Nature(models.TextChoices):
    DISCREPANCY = "discrepancy"
    ANOMALY = "anomaly"


class Finding(models.Model):
    """Something a rule found and somebody must explain; one open at a time for each rule and subject.

    ``subject`` is the natural key of what it is about (``chip:nvidia/…``, ``transfer:…``, ``cluster:…``); the typed
    columns beside it lead to the rows. ``organisation`` must explain it. ``began_at`` is since when it has been so,
    by the records: what was decided stays decided until it begins anew or grows graver. ``frozen`` keeps what it was
    made from: checkpoint size, rule version, arithmetic, and under ``confidential`` what only regulators may read.
    ``quiet_sweeps`` counts sweeps in a row that no longer saw it (hysteresis).
    """

    class State(models.TextChoices):
        OPEN = "open"
        EXPLAINED = "explained"
        CLOSED = "closed"

    class Closing(models.TextChoices):
        CLEARED = "cleared"
        RESOLVED = "resolved"
        CONFIRMED = "confirmed"
        FALSE_ALARM = "false_alarm"

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    rule = models.CharField(max_length=40)
    nature = models.CharField(max_length=11, choices=Nature)
    severity = models.SmallIntegerField()
    subject = models.CharField(max_length=200, db_collation="C")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="findings")
    counterparty = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", null=True)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+", null=True)
    chip = models.ForeignKey(
        Chip, on_delete=models.DO_NOTHING, related_name="findings", null=True, db_constraint=False
    )
    transfer = models.ForeignKey(Transfer, on_delete=models.PROTECT, related_name="findings", null=True)
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="findings", null=True)
    frozen = models.JSONField(default=dict)
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    began_at = models.DateTimeField()
    opened_at = models.DateTimeField()
    worsened_at = models.DateTimeField(null=True)
    refreshed_at = models.DateTimeField()
    due_at = models.DateTimeField()
    quiet_sweeps = models.SmallIntegerField(default=0)
    root_cause = models.CharField(max_length=40, blank=True)
    explained_by = models.ForeignKey(
        Statement, on_delete=models.PROTECT, related_name="+", null=True, db_constraint=False
    )
    explained_at = models.DateTimeField(null=True)
    closing = models.CharField(max_length=11, choices=Closing, blank=True)
    closed_by = models.ForeignKey(
        Statement, on_delete=models.PROTECT, related_name="+", null=True, db_constraint=False
    )
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "subject"],
                condition=Q(closed_at__isnull=True),
                name="one_open_finding_for_each_subject",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "explained", "closed"]), name="finding_state_is_known"
            ),
            models.CheckConstraint(condition=Q(severity__range=(1, 5)), name="severity_is_one_to_five"),
            models.CheckConstraint(condition=Q(nature__in=Nature.values), name="finding_nature_is_known"),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closing="", state__in=["open", "explained"])
                | (Q(closed_at__isnull=False, state="closed") & ~Q(closing="")),
                name="finding_is_closed_exactly_when_it_says_how",
            ),
            models.CheckConstraint(
                condition=Q(explained_at__isnull=True, explained_by__isnull=True)
                | Q(explained_at__isnull=False, explained_by__isnull=False),
                name="finding_explained_at_and_by",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-severity", "-id"],
                condition=Q(closed_at__isnull=True),
                name="finding_open_worst_first",
            ),
            models.Index(fields=["organisation", "-id"], name="finding_of_organisation"),
            models.Index(fields=["-opened_at", "-id"], name="finding_by_time"),
            models.Index(
                fields=["-worsened_at", "-id"],
                condition=Q(worsened_at__isnull=False),
                name="finding_worsened",
            ),
            models.Index(
                fields=["due_at", "id"], condition=Q(closed_at__isnull=True), name="finding_open_by_deadline"
            ),
            models.Index(
                fields=["rule", "subject"], condition=Q(closed_by__isnull=False), name="finding_decided"
            ),
        ]


class Explanation(models.Model):
    """That a statement explained a finding; a later explanation takes the place of an earlier one, and hides none."""

    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="explanations")
    statement = models.OneToOneField(
        Statement, on_delete=models.PROTECT, related_name="explains", db_constraint=False
    )

    class Meta:
        triggers = append_only()
