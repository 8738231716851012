"""Transfers under way, the chips of one, and what became of each."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from chipledger.refusals import Refused
from ledger.models import SignerKind
from registry.access import Reader
from registry.models import Organisation
from tracking.models import (
    OPEN_TRANSFERS,
    Difference,
    Holding,
    Movement,
    MovementKind,
    MovementLine,
    Transfer,
)


def with_parties(transfers: QuerySet[Transfer]) -> QuerySet[Transfer]:
    """Transfers with everything that a line of a list shows, and whether a difference is open.

    Carriers are asked for apart, where there are any: two joins more would double the time that planning takes.
    """
    open_differences = Difference.objects.filter(transfer=OuterRef("pk"), settled_at__isnull=True)
    parties = transfers.select_related("sender__signer", "consignee__signer", "from_site", "to_site")
    return parties.prefetch_related("carrier__signer").annotate(is_disputed=Exists(open_differences))


def open_transfers_of(organisation: Organisation) -> QuerySet[Transfer]:
    """What an organisation sent or expects and nobody has signed for completely, newest first."""
    sides = Q(sender=organisation) | Q(consignee=organisation)
    return with_parties(Transfer.objects.filter(sides, state__in=OPEN_TRANSFERS)).order_by("-pk")


def overdue_transfers(*, at: datetime) -> QuerySet[Transfer]:
    """Transfers that should have been received by now, the longest overdue first."""
    return with_parties(Transfer.objects.filter(state__in=OPEN_TRANSFERS, due_at__lt=at)).order_by(
        "due_at", "pk"
    )


def transfers_towards(
    transfers: QuerySet[Transfer], direction: str, *, of: Organisation
) -> QuerySet[Transfer]:
    """Those that an organisation `sent`, or that are `incoming` to it; raises Refused `bad_direction` (400)."""
    if direction == "sent":
        return transfers.filter(sender=of)
    if direction == "incoming":
        return transfers.filter(consignee=of)
    raise Refused("bad_direction", "Choose a direction: sent or incoming.", field="direction", status=400)


def lines_of(transfer: Transfer, *, reader: Reader) -> QuerySet[MovementLine]:
    """The chips that were dispatched, each with ``became``: the kind of its last movement in this transfer.

    ``dispatched`` means that it is still under way. A carrier sees how many there are, and not which.
    """
    if reader.kind == SignerKind.CARRIER:
        return MovementLine.objects.none()
    later = (
        MovementLine.objects.filter(chip=OuterRef("chip_id"), movement__transfer=transfer)
        .order_by("-movement_id")
        .values("movement__kind")[:1]
    )
    dispatched = Movement.objects.filter(transfer=transfer, kind=MovementKind.DISPATCHED)
    return (
        MovementLine.objects.filter(movement__in=dispatched)
        .select_related("chip__maker__signer", "chip__model")
        .annotate(became=Subquery(later))
        .order_by("chip_id")
    )


def chips_under_way(transfer: Transfer) -> QuerySet[Holding]:
    """The chips of a transfer that nobody has signed for."""
    return (
        Holding.objects.filter(transfer=transfer)
        .select_related("chip__maker__signer", "model")
        .order_by("chip_id")
    )
