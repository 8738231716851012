"""Stock-takes: what a holder found at a site, and by which chips that differs from the book."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from ledger.append_only import append_only
from ledger.models import Statement
from registry.models import Chip, Organisation, Site


class StockCount(models.Model):
    """What a holder found when it counted one of its sites, against what the book had on hand there at that instant.

    A claim of the party that is audited: it moves nothing. ``expected`` chips were on the book there, ``found`` were
    named; ``missing`` and ``unexpected`` of them are told apart by name in ``StockDifference``.
    """

    class Method(models.TextChoices):
        SCAN = "scan"
        FILE = "file"
        ATTESTATIONS = "attestations"

    statement = models.OneToOneField(
        Statement, on_delete=models.PROTECT, related_name="stock_count", db_constraint=False
    )
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="stock_counts", db_index=False
    )
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="stock_counts", db_index=False)
    method = models.CharField(max_length=12, choices=Method)
    counted_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    expected = models.BigIntegerField()
    found = models.BigIntegerField()
    missing = models.BigIntegerField()
    unexpected = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(method__in=["scan", "file", "attestations"]), name="stock_count_method_is_known"
            ),
            models.CheckConstraint(
                condition=Q(missing__gte=0, unexpected__gte=0, expected__gte=models.F("missing"))
                & Q(expected=models.F("missing") + models.F("found") - models.F("unexpected")),
                name="stock_count_adds_up",
            ),
            models.UniqueConstraint(fields=["site", "counted_at"], name="site_is_counted_once_at_an_instant"),
        ]
        indexes = [models.Index(fields=["organisation", "-id"], name="stock_count_of_organisation")]
        triggers = append_only()


class StockDifference(models.Model):
    """One chip by which a count differs from the book, under the name that the book or the count gives it.

    ``missing``: on the book there, and not found; only then ``chip`` is kept. ``unexpected``: found, and not on the
    book there. Whether such a chip exists, and who holds it, is not kept with a claim: each reader sees what it may.
    """

    class Kind(models.TextChoices):
        MISSING = "missing"
        UNEXPECTED = "unexpected"

    count = models.ForeignKey(
        StockCount, on_delete=models.PROTECT, related_name="differences", db_index=False
    )
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=128, db_collation="C")
    chip = models.ForeignKey(
        Chip,
        on_delete=models.DO_NOTHING,
        related_name="+",
        null=True,
        db_constraint=False,
        db_index=False,
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="missing", chip__isnull=False) | Q(kind="unexpected", chip__isnull=True),
                name="stock_difference_keeps_what_the_book_had",
            ),
            models.UniqueConstraint(fields=["count", "name"], name="stock_difference_once"),
        ]
        indexes = [models.Index(fields=["count", "id"], name="stock_difference_in_order")]
        triggers = append_only()
