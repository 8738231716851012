"""The double-entry book of chips: accounts, movements between them, holdings, transfers and their differences."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from ledger.append_only import append_only
from ledger.models import Statement
from registry.models import Chip, ChipModel, Organisation, Site


class AccountKind(models.TextChoices):
    ON_HAND = "on_hand"
    IN_TRANSIT = "in_transit"
    RETIRED = "retired"
    DESTROYED = "destroyed"
    LOST = "lost"
    STOLEN = "stolen"
    EXPORTED = "exported"


class Account(models.Model):
    """Where chips are in the book, and the organisation that answers for them there.

    ``site`` is where they are (on hand), where they left from (in transit), or where they were last (the others).
    """

    kind = models.CharField(max_length=10, choices=AccountKind)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="accounts")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="accounts")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=AccountKind.values), name="account_kind_is_known"),
            models.UniqueConstraint(fields=["kind", "organisation", "site"], name="account_once"),
        ]


class MovementKind(models.TextChoices):
    COMMISSIONED = "commissioned"
    OPENED = "opened"
    DISPATCHED = "dispatched"
    RECEIVED = "received"
    RETURNED = "returned"
    VOIDED = "voided"
    LOST = "lost"
    STOLEN = "stolen"
    RECOVERED = "recovered"
    RETIRED = "retired"
    DESTROYED = "destroyed"


ENTRANCES = (MovementKind.COMMISSIONED, MovementKind.OPENED)


class TransferState(models.TextChoices):
    DISPATCHED = "dispatched"
    PARTIALLY_RECEIVED = "partially_received"
    RECEIVED = "received"
    SETTLED = "settled"
    VOIDED = "voided"


OPEN_TRANSFERS = (TransferState.DISPATCHED, TransferState.PARTIALLY_RECEIVED)


class Transfer(models.Model):
    """Chips under way from a sender to a consignee, known by the digest of the dispatch that both sides sign."""

    digest = models.BinaryField(max_length=32)
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    sender = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="sent")
    consignee = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="consigned")
    from_site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    to_site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    carrier = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="carried", null=True)
    waybill = models.CharField(max_length=80, blank=True)
    quantity = models.BigIntegerField()
    outstanding = models.BigIntegerField()
    state = models.CharField(max_length=18, choices=TransferState, default=TransferState.DISPATCHED)
    dispatched_at = models.DateTimeField()
    estimated_arrival = models.DateTimeField()
    due_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    received_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="transfer_once"),
            models.CheckConstraint(
                condition=Q(state__in=TransferState.values), name="transfer_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(outstanding__gte=0, outstanding__lte=models.F("quantity")),
                name="outstanding_is_a_part",
            ),
            models.CheckConstraint(
                condition=Q(state__in=OPEN_TRANSFERS, closed_at__isnull=True)
                | (~Q(state__in=OPEN_TRANSFERS) & Q(closed_at__isnull=False)),
                name="transfer_is_closed_exactly_when_it_ended",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(state__in=OPEN_TRANSFERS), name="transfer_open_by_due"
            ),
            models.Index(fields=["sender", "-id"], name="transfer_by_sender"),
            models.Index(fields=["consignee", "-id"], name="transfer_by_consignee"),
            models.Index(fields=["waybill"], condition=~Q(waybill=""), name="transfer_by_waybill"),
        ]


class Movement(models.Model):
    """Chips taken from one account to another by a statement; never changed. Chips that enter have no ``source``."""

    kind = models.CharField(max_length=12, choices=MovementKind)
    statement = models.ForeignKey(
        Statement, on_delete=models.PROTECT, related_name="movements", db_constraint=False
    )
    transfer = models.ForeignKey(Transfer, on_delete=models.PROTECT, related_name="movements", null=True)
    source = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="debits", null=True)
    target = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="credits")
    quantity = models.BigIntegerField()
    effective_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=MovementKind.values), name="movement_kind_is_known"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="movement_moves_something"),
            models.CheckConstraint(
                condition=Q(kind__in=ENTRANCES, source__isnull=True)
                | (~Q(kind__in=ENTRANCES) & Q(source__isnull=False)),
                name="only_entrances_have_no_source",
            ),
        ]
        triggers = append_only()


class MovementLine(models.Model):
    """One chip of one movement: its history in the book, in order."""

    pk = models.CompositePrimaryKey("chip_id", "movement_id")
    chip = models.ForeignKey(
        Chip, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    movement = models.ForeignKey(
        Movement, on_delete=models.DO_NOTHING, related_name="lines", db_constraint=False
    )

    class Meta:
        triggers = append_only()


class Correction(models.Model):
    """When what a statement is about really happened, as its own signer says later; movements stay as they were filed.

    The newest correction of a statement counts. Each names the one before, so that they never fork.
    """

    class Reason(models.TextChoices):
        TYPED_WRONG = "typed_wrong"
        CLOCK_WAS_WRONG = "clock_was_wrong"
        LEARNED_LATER = "learned_later"

    statement = models.OneToOneField(
        Statement, on_delete=models.PROTECT, related_name="correction", db_constraint=False
    )
    original = models.ForeignKey(
        Statement,
        on_delete=models.PROTECT,
        related_name="corrections",
        db_constraint=False,
        db_index=False,
    )
    previous = models.OneToOneField(
        Statement, on_delete=models.PROTECT, related_name="+", null=True, db_constraint=False
    )
    reason = models.CharField(max_length=15, choices=Reason)
    effective_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["original", "previous"], name="corrections_never_fork", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(reason__in=["typed_wrong", "clock_was_wrong", "learned_later"]),
                name="correction_reason_is_known",
            ),
        ]
        indexes = [models.Index(fields=["original", "-id"], name="correction_newest")]
        triggers = append_only()


class Holding(models.Model):
    """Where one chip is now: the projection of its last movement. Placement is apart from the account.

    ``since`` is when the last movement took effect, by the statement behind it. ``taken_out_at`` and
    ``taken_out_before`` are when the chip was last, and next to last, put into storage, by our own clock (record 0007).
    ``model`` repeats the chip's own, which never changes, so that sums by account need not read chips.
    """

    chip = models.OneToOneField(
        Chip, on_delete=models.DO_NOTHING, primary_key=True, related_name="holding", db_constraint=False
    )
    account = models.ForeignKey(
        Account, on_delete=models.DO_NOTHING, related_name="holdings", db_constraint=False
    )
    model = models.ForeignKey(
        ChipModel, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    movement = models.ForeignKey(
        Movement, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    transfer = models.ForeignKey(
        Transfer,
        on_delete=models.DO_NOTHING,
        related_name="+",
        null=True,
        db_constraint=False,
        db_index=False,
    )
    since = models.DateTimeField()
    installed_at = models.DateTimeField(null=True)
    taken_out_at = models.DateTimeField(null=True)
    taken_out_before = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["transfer"], condition=Q(transfer__isnull=False), name="holding_in_transfer"
            ),
        ]


class DifferenceKind(models.TextChoices):
    SHORT = "short"
    OVER = "over"
    SWAPPED = "swapped"
    DAMAGED = "damaged"


class Why(models.TextChoices):
    """Why a chip was not as dispatched, as far as its receiver can tell."""

    NOT_IN_PACKAGE = "not_in_package", "Not in its package"
    PACKAGE_MISSING = "package_missing", "A package is missing"
    SEAL_BROKEN = "seal_broken", "Seal broken or package opened"
    OTHER_SHIPMENT = "other_shipment", "Belongs to another shipment"
    SENT_IN_ADDITION = "sent_in_addition", "Sent in addition to the list"
    WRONG_ITEM = "wrong_item", "Another item was packed"
    LABEL_MISMATCH = "label_mismatch", "Label does not match the chip"
    REPLACED = "replaced", "Replaced by the sender"
    DAMAGED_IN_TRANSIT = "damaged_in_transit", "Damaged on the way"
    DOES_NOT_START = "does_not_start", "Does not start"
    UNKNOWN = "unknown", "Not known"


class Difference(models.Model):
    """One line of the shipper/receiver difference: what the receipt says of a chip that was not simply accepted.

    ``name`` is the chip as the receipt names it (for ``swapped`` the one found), ``chip`` the one that was expected,
    ``why`` the receiver's reason, empty where the receipt gives none.
    ``over`` and ``swapped`` are claims that move nothing; whether the chip they name exists is not kept with them.
    """

    transfer = models.ForeignKey(Transfer, on_delete=models.PROTECT, related_name="differences")
    receipt = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    kind = models.CharField(max_length=7, choices=DifferenceKind)
    name = models.CharField(max_length=128, db_collation="C")
    why = models.CharField(max_length=18, choices=Why, blank=True, default="", db_default="")
    chip = models.ForeignKey(
        Chip, on_delete=models.DO_NOTHING, related_name="+", null=True, db_constraint=False
    )
    settlement = models.ForeignKey(
        Statement, on_delete=models.PROTECT, related_name="+", null=True, db_constraint=False
    )
    outcome = models.CharField(max_length=24, blank=True)
    recorded_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=DifferenceKind.values), name="difference_kind_is_known"
            ),
            models.CheckConstraint(condition=Q(why__in=["", *Why.values]), name="difference_why_is_known"),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True, settlement__isnull=True)
                | Q(settled_at__isnull=False, settlement__isnull=False),
                name="difference_settled_at_and_by",
            ),
        ]
        indexes = [
            models.Index(fields=["transfer"], condition=Q(settled_at__isnull=True), name="difference_open"),
        ]
