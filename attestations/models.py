"""What the silicon proved: nonces that were used, the latest sighting of each chip, and where it was between when."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from ledger.append_only import append_only
from ledger.models import Statement
from registry.models import Chip, Organisation, Site


class IdentityGrade(models.IntegerChoices):
    """How surely we know which chip it was; a higher number is stronger."""

    DECLARED = 1
    LABEL = 2
    HOST = 3
    INSPECTED = 4
    HARDWARE = 5


class PlaceGrade(models.IntegerChoices):
    """How surely we know where it was; a higher number is stronger."""

    DECLARED = 1
    GATEWAY = 2
    INSPECTED = 3
    LANDMARK = 4


class UsedNonce(models.Model):
    """A server nonce that a booked batch used up; booking the same one twice breaks the primary key."""

    token_sha256 = models.BinaryField(primary_key=True, max_length=32)
    statement = models.ForeignKey(
        Statement, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    used_at = models.DateTimeField()

    class Meta:
        triggers = append_only()


class Sighting(models.Model):
    """The latest accepted evidence of a chip, one row for each identity grade.

    ``seen_at`` is when the server accepted it; ``claims_sha256`` is what the next evidence must name as ``prev``;
    ``present_since`` is when the present interval at this site began.
    """

    pk = models.CompositePrimaryKey("chip_id", "identity")
    chip = models.ForeignKey(
        Chip, on_delete=models.DO_NOTHING, related_name="sightings", db_constraint=False, db_index=False
    )
    identity = models.SmallIntegerField(choices=IdentityGrade)
    place = models.SmallIntegerField(choices=PlaceGrade)
    site = models.ForeignKey(
        Site, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    seen_at = models.DateTimeField()
    present_since = models.DateTimeField()
    seq = models.BigIntegerField()
    claims_sha256 = models.BinaryField(max_length=32)
    statement = models.ForeignKey(
        Statement, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )


class Presence(models.Model):
    """A closed interval in which a chip kept proving that it was at a site."""

    chip = models.ForeignKey(Chip, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    site = models.ForeignKey(
        Site, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__gte=models.F("began_at")), name="presence_ends_after_it_began"
            )
        ]


class TamperSign(models.TextChoices):
    SEQUENCE_FORK = "sequence_fork"
    CHAIN_FORK = "chain_fork"
    TWO_PLACES = "two_places"


class Conflict(models.Model):
    """Evidence that contradicts other evidence of the same chip: kept as it came in, whatever was booked."""

    chip = models.ForeignKey(Chip, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    sign = models.CharField(max_length=13, choices=TamperSign)
    site = models.ForeignKey(
        Site, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    other_site = models.ForeignKey(
        Site, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    seen_at = models.DateTimeField()
    other_seen_at = models.DateTimeField()
    statement = models.ForeignKey(
        Statement, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(sign__in=TamperSign.values), name="tamper_sign_is_known"),
        ]
        indexes = [models.Index(fields=["seen_at"], name="conflict_by_time")]
        triggers = append_only()


class Outage(models.Model):
    """A silence that an operator declared; it explains and proves nothing."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="outages")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=63)
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="+", db_constraint=False)
