"""What the newest sweep counted at sites, summed over everybody who has chips there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Sum

from audits.models import Balance
from registry.access import Reader, visible
from registry.models import Site


@dataclass(frozen=True)
class Counts:
    """Chips at a site: on the book, seen by hardware, and the difference of those that owe evidence."""

    on_hand: int
    seen: int
    unaccounted: int


def counts_at(sites: Sequence[Site], reader: Reader) -> dict[int, Counts]:
    """The counts of each of these sites, by its row number."""
    summed = (
        visible(reader, Balance)
        .filter(site__in=sites)
        .order_by()
        .values_list("site_id")
        .annotate(Sum("on_hand"), Sum("seen_hardware"), Sum("unaccounted"))
    )
    return {number: Counts(*counts) for number, *counts in summed}


def lines_of(sites: Sequence[Site], reader: Reader) -> Iterator[tuple[object, ...]]:
    """Sites as lines of the export."""
    counts = counts_at(sites, reader)
    for site in sites:
        found = counts.get(site.pk) or Counts(0, 0, 0)
        yield (
            site.code,
            site.name,
            site.organisation.signer.handle,
            site.country,
            found.on_hand,
            found.seen,
            found.unaccounted,
            site.slots,
            site.power_kw,
        )
