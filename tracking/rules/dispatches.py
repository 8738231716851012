"""What makes a dispatch, or any statement about something that happened, refusable before any chip is looked at."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from chipledger.refusals import Refused
from chipledger.statements.tracking import TransferDispatched
from ledger.authority import HOLDERS
from ledger.keys import CLOCK_SKEW
from ledger.models import SignerKind, Standing
from registry.models import Organisation, Site

RECEIPT_PERIOD: Final = timedelta(days=10)
"""How long a consignee may take to sign for what arrived: NMMSS Form 741 gives a receiver ten days."""

LONGEST_JOURNEY: Final = timedelta(days=60)
"""No sea freight takes longer. A dispatch without such a bound is never overdue, and its chips owe no evidence."""


def due_at(estimated_arrival: datetime) -> datetime:
    """When the receipt of a dispatch is overdue."""
    return estimated_arrival + RECEIPT_PERIOD


def check_happened(happened_at: datetime, *, field: str, at: datetime) -> None:
    """Refuse what is said to have happened in the future."""
    if happened_at > at + CLOCK_SKEW:
        raise Refused(
            "happened_in_future",
            "This cannot have happened in the future; name an instant that has passed.",
            field=field,
            value=str(happened_at),
        )


def check_times(body: TransferDispatched, *, at: datetime) -> None:
    """Refuse a dispatch from the future, or one that arrives before it left or in some distant future."""
    check_happened(body.dispatched_at, field="dispatched_at", at=at)
    if body.estimated_arrival < body.dispatched_at:
        raise Refused(
            "arrives_before_it_left",
            "The estimated arrival lies before the dispatch; name a later one.",
            field="estimated_arrival",
        )
    if body.estimated_arrival > at + LONGEST_JOURNEY:
        raise Refused(
            "arrives_too_late",
            f"Name an estimated arrival at most {LONGEST_JOURNEY.days} days ahead.",
            field="estimated_arrival",
        )


def check_own_site(site: Site | None, *, by: int, field: str, code: str) -> Site:
    """The organisation's own site; a stranger's is refused as one that does not exist."""
    if site is None or site.organisation_id != by:
        raise Refused(
            "not_your_site",
            "This is not a site of yours. Name one of your own, or declare it first.",
            field=field,
            value=code,
        )
    return site


def check_consignee(consignee: Organisation | None, *, handle: str) -> Organisation:
    """An admitted organisation that may hold chips."""
    if (
        consignee is None
        or consignee.signer.kind not in HOLDERS
        or consignee.signer.standing != Standing.ADMITTED
    ):
        raise Refused(
            "not_a_holder",
            "The consignee is no admitted organisation that may hold chips. Choose one from the list of organisations.",
            field="consignee",
            value=handle,
        )
    return consignee


def check_destination(site: Site | None, *, consignee: Organisation, source: Site, code: str) -> Site:
    """A site of the consignee, and not the one that the chips leave from."""
    if site is None or site.organisation_id != consignee.pk:
        raise Refused(
            "not_a_site_of_consignee",
            "This is not a site of the consignee; name one of theirs.",
            field="to_site",
            value=code,
        )
    if site.pk == source.pk:
        raise Refused(
            "same_site", "The chips are at this site already; name another.", field="to_site", value=code
        )
    return site


def check_carrier(carrier: Organisation | None, *, handle: str) -> Organisation:
    """An admitted carrier."""
    if (
        carrier is None
        or carrier.signer.kind != SignerKind.CARRIER
        or carrier.signer.standing != Standing.ADMITTED
    ):
        raise Refused(
            "not_a_carrier",
            "This is not an admitted carrier; name one that is.",
            field="carrier",
            value=handle,
        )
    return carrier
