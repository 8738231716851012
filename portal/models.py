"""What the portal keeps: papers nobody has signed yet, chips chosen for one, saved views, holds on people's records."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from registry.models import Organisation, Person

SHOWN_CHIPS = 64


class Draft(models.Model):
    """A statement frozen on the server until it is signed: its exact bytes, and whose keys must sign them.

    ``payload`` is what the page shows and what a signature must cover, byte for byte. ``fields`` are the members that
    the statement's kind adds, so that the same words can be frozen anew for another key. ``envelope`` collects
    signatures while further ones are missing. ``notes`` say what the paper tells beside its members, such as the name
    of the uploaded file.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="drafts")
    prepared_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=40)
    fields = models.JSONField()
    notes = models.JSONField(default=dict)
    payload = models.BinaryField()
    digest = models.BinaryField(max_length=32)
    keys = ArrayField(models.CharField(max_length=64))
    envelope = models.BinaryField(null=True)
    created_at = models.DateTimeField()
    filed_at = models.DateTimeField(null=True)
    job = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(filed_at__isnull=False) | Q(job__isnull=True), name="only_a_filed_draft_has_a_job"
            ),
        ]
        indexes = [
            models.Index(
                fields=["organisation", "-created_at"],
                condition=Q(filed_at__isnull=True),
                name="draft_waiting",
            )
        ]


class Selection(models.Model):
    """Chips that somebody chose for a paper, frozen under their count and hash before the rest of it is said.

    ``names`` are the chips as `maker/serial`, sorted, one a line; ``sha256`` is the hash of exactly this text. Chips
    that move afterwards stay in the selection, and are refused by name when the paper is prepared.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="selections")
    chosen_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=40)
    how = models.CharField(max_length=200)
    site = models.CharField(max_length=63, blank=True)
    names = models.TextField()
    count = models.IntegerField()
    sha256 = models.CharField(max_length=64)
    chosen_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["organisation", "expires_at"], name="selection_by_expiry")]

    @property
    def shown(self) -> list[str]:
        """The first of the chips, as many as a page shows."""
        return self.names.split("\n", SHOWN_CHIPS)[:SHOWN_CHIPS]

    @property
    def beyond(self) -> int:
        """How many chips the page does not show."""
        return max(0, self.count - SHOWN_CHIPS)


class SavedView(models.Model):
    """A filter, order and choice of columns of a list under a name: somebody's own, or shared with the organisation.

    ``query`` is the part of the list's address that it keeps. ``is_default``: the person who saved it sees the list so
    when they open it plainly.
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="saved_views")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="saved_views")
    listing = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    query = models.CharField(max_length=2000, blank=True)
    is_shared = models.BooleanField(default=False)
    is_default = models.BooleanField(default=False)
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "organisation", "listing", "name"], name="saved_view_once_by_name"
            ),
            models.UniqueConstraint(
                fields=["person", "organisation", "listing"],
                condition=Q(is_default=True),
                name="one_default_view_of_a_list",
            ),
        ]
        indexes = [models.Index(fields=["organisation", "listing"], name="saved_view_of_a_list")]


class LegalHold(models.Model):
    """That an organisation forbids to erase somebody's records, why, and until it lifted that.

    Administrators are named by pseudonym. A person under a hold cannot be deleted, nor while a lifted one still names
    them: erasing deletes lifted holds first.
    """

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="holds")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500)
    placed_at = models.DateTimeField()
    placed_by = models.CharField(max_length=32)
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.CharField(max_length=32, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "organisation"],
                condition=Q(lifted_at__isnull=True),
                name="one_hold_at_a_time",
            )
        ]
