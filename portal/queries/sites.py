"""What is at sites: the newest sweep's counts, the chips by model and what they draw, and how they attest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Count, Sum
from django.urls import reverse

from audits.models import Balance, Finding
from registry.access import Reader, visible
from registry.catalogue import H100E_TPP
from registry.models import Site
from tracking.models import AccountKind, Holding


@dataclass(frozen=True)
class Counts:
    """Chips at a site: on the book, seen by hardware, and the difference of those that owe evidence."""

    on_hand: int
    seen: int
    unaccounted: int


def counts_of_sites(sites: Sequence[Site], reader: Reader) -> dict[int, Counts]:
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
    counts, silent = counts_of_sites(sites, reader), silent_at(sites, reader)
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
            *(line.number for line in silent[site.pk]),
            site.slots,
            site.power_kw,
        )


@dataclass(frozen=True)
class ModelLoad:
    """Chips of one model at a site."""

    code: str
    name: str
    on_hand: int
    installed: int
    equivalents: str
    kilowatts: str


@dataclass(frozen=True)
class Load:
    """What is at a site by the book: chips on hand, those in service, and the power that these may draw, in kW."""

    models: list[ModelLoad]
    on_hand: int
    installed: int
    kilowatts: int


def load_of(reader: Reader, site: Site) -> Load:
    """The chips at a site that the reader may see, by model. Power is the TDP of those in service, without cooling."""
    counted = (
        visible(reader, Holding)
        .filter(account__site=site, account__kind=AccountKind.ON_HAND)
        .order_by()
        .values_list("model__code", "model__name", "model__tpp", "model__tdp_w")
        .annotate(on_hand=Count("pk"), installed=Count("installed_at"))
        .order_by("-on_hand", "model__code")
    )
    rows = list(counted)
    return Load(
        models=[
            ModelLoad(
                code,
                name,
                on_hand,
                installed,
                f"{tpp * on_hand / H100E_TPP:,.1f}",
                f"{watts * installed / 1000:,.1f}",
            )
            for code, name, tpp, watts, on_hand, installed in rows
        ],
        on_hand=sum(row[4] for row in rows),
        installed=sum(row[5] for row in rows),
        kilowatts=-(-sum(row[3] * row[5] for row in rows) // 1000),
    )


@dataclass(frozen=True)
class Health:
    """Chips of a site that attest in time, or are silent for so long; ``url`` lists those that are."""

    label: str
    number: int
    meaning: str
    url: str


SILENCES = (
    (2, "Late", "Silent for more than 1.5 times the cadence."),
    (
        3,
        "Overdue",
        "Silent for more than 3 times the cadence, or for longer without a key to prove anything with.",
    ),
    (4, "Missing", "Silent for more than 5 times the cadence: an inspection is called for."),
)


def silent_at(sites: Sequence[Site], reader: Reader) -> dict[int, list[Health]]:
    """How many chips are late, overdue and missing at each of these sites, by its row number and the newest sweep."""
    counted = (
        visible(reader, Finding)
        .filter(site__in=sites, closed_at__isnull=True, rule="stale_attestation")
        .order_by()
        .values_list("site_id", "severity")
        .annotate(number=Count("pk"))
    )
    silent = {(site, severity): number for site, severity, number in counted}
    listed = f"{reverse('findings')}?state=unresolved&site="
    return {
        site.pk: [
            Health(
                label,
                silent.get((site.pk, severity), 0),
                meaning,
                f"{listed}{site.code}&rule=stale_attestation&severity=only-{severity}",
            )
            for severity, label, meaning in SILENCES
        ]
        for site in sites
    }


def health_of(reader: Reader, site: Site, balances: Sequence[Balance]) -> list[Health]:
    """How the chips of a site attest, by the newest sweep."""
    seen = sum(balance.seen_hardware for balance in balances)
    counted = f"{reverse('balances')}?site={site.code}"
    return [
        Health("Seen by hardware", seen, "Their own key has signed within the cadence.", counted),
        *silent_at([site], reader)[site.pk],
    ]
