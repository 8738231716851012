"""Where chips are now."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from registry.access import Reader, visible
from registry.models import Chip, Organisation
from tracking.models import AccountKind, Holding


def holdings_of(
    organisation: Organisation, *, kinds: Iterable[AccountKind] = tuple(AccountKind)
) -> QuerySet[Holding]:
    """The chips that an organisation answers for, on accounts of these kinds."""
    return (
        Holding.objects.filter(account__organisation=organisation, account__kind__in=list(kinds))
        .select_related("chip__maker__signer", "model", "account__site")
        .order_by("chip_id")
    )


def placements(chips: Iterable[Chip], *, reader: Reader) -> dict[int, Holding]:
    """Where each of a page of chips is, by chip number, as far as the reader may know."""
    found = visible(reader, Holding).filter(pk__in=[chip.pk for chip in chips])
    return {
        holding.chip_id: holding
        for holding in found.select_related("account__organisation__signer", "account__site", "transfer")
    }


def own_holdings(reader: Reader, *, kinds: Iterable[AccountKind]) -> QuerySet[Holding]:
    """The chips that the reader's organisation answers for, on accounts of these kinds."""
    return visible(reader, Holding).filter(
        account__organisation=reader.organisation, account__kind__in=list(kinds)
    )
