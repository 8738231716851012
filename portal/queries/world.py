"""What a regulator oversees at a glance: sites on the map, book against silicon by day, findings by age, clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode

from django.db.models import Case, Count, IntegerField, Max, QuerySet, Sum, Value, When
from django.urls import reverse

from audits.models import Balance, Cluster, DailyBalance, Finding
from audits.queries import NEAR, share_of_a_line
from registry.access import Reader, visible
from registry.catalogue import H100E_TPP
from registry.models import Site
from web.components import AgainstLine
from web.two_lines import Reading
from web.world_map import Place, Window, WorldMap, draw_world

WEEKS, DAYS = 26, 14
_AGES: Final = ((0, 7, "0 to 7 days"), (7, 30, "8 to 30"), (30, 90, "31 to 90"), (90, None, "More than 90"))


def places_of(reader: Reader) -> list[Place]:
    """The sites that the reader may see, with their H100-equivalents on the book and their worst open finding."""
    tpp = dict(visible(reader, Balance).order_by().values_list("site_id").annotate(total=Sum("tpp")))
    worst = dict(
        visible(reader, Finding)
        .filter(closed_at__isnull=True, site__isnull=False)
        .order_by()
        .values_list("site_id")
        .annotate(worst=Max("severity"))
    )
    sites = visible(reader, Site).values_list("pk", "code", "name", "country", "longitude_e7", "latitude_e7")
    return [
        Place(
            label=name,
            country=country,
            url=reverse("site", args=[code]),
            longitude=longitude / 1e7,
            latitude=latitude / 1e7,
            weight=tpp.get(number, 0) / H100E_TPP,
            severity=worst.get(number, 0),
        )
        for number, code, name, country, longitude, latitude in sites
    ]


def world_of(places: Sequence[Place], asked: str) -> WorldMap:
    """The map, and where its marks lead."""

    def closer(window: Window) -> str:
        return f"{reverse('overview')}?{urlencode({'map': window.address})}"

    def narrowest(place: Place) -> str:
        return f"{reverse('sites')}?{urlencode({'country': place.country})}"

    return draw_world(places, asked, closer=closer, narrowest=narrowest)


def readings_of(reader: Reader, *, at: datetime, site: Site | None = None) -> list[Reading]:
    """Chips in service and chips seen, summed over what the reader may see: the last days, and weeks before them.
    With a site, those there.

    A day on which nobody swept is left out.
    """
    today = at.astimezone(UTC).date()
    newest = DailyBalance.objects.filter(day__lte=today).aggregate(day=Max("day"))["day"]
    if newest is None:
        return []
    days = {newest - timedelta(days=number) for number in range(DAYS)}
    days |= {newest - timedelta(weeks=number) for number in range(WEEKS + 1)}
    counted = visible(reader, DailyBalance).filter(day__in=days)
    summed = (
        (counted if site is None else counted.filter(site=site))
        .order_by()
        .values_list("day")
        .annotate(book=Sum("installed"), seen=Sum("seen_hardware"))
        .order_by("day")
    )
    return [Reading(datetime.combine(day, time(), tzinfo=UTC), book, seen) for day, book, seen in summed]


@dataclass(frozen=True)
class Cell:
    """So many open findings of a severity and an age, and the list of exactly these."""

    number: int
    url: str


def by_age(findings: QuerySet[Finding], *, at: datetime) -> list[tuple[int, list[Cell]]]:
    """Open findings by severity and by the days since they opened, the gravest first. Days end at midnight, UTC."""
    tomorrow = datetime.combine(at.astimezone(UTC).date(), time(), tzinfo=UTC) + timedelta(days=1)
    since = [tomorrow - timedelta(days=oldest + 1) if oldest is not None else None for _, oldest, _ in _AGES]
    until = [None, *since[:-1]]
    age = Case(
        *(When(opened_at__gte=first, then=Value(place)) for place, first in enumerate(since) if first),
        default=Value(len(_AGES) - 1),
        output_field=IntegerField(),
    )
    counted = {
        (severity, place): number
        for severity, place, number in findings.order_by()
        .annotate(age=age)
        .values_list("severity", "age")
        .annotate(number=Count("pk"))
    }
    return [
        (
            severity,
            [
                Cell(counted.get((severity, place), 0), _listed(severity, since[place], until[place]))
                for place in range(len(_AGES))
            ],
        )
        for severity in (5, 4, 3, 2, 1)
    ]


AGES: Final = tuple(label for _, _, label in _AGES)


def _listed(severity: int, since: datetime | None, until: datetime | None) -> str:
    asked = {"state": "unresolved", "severity": f"only-{severity}", "dated": "opened"}
    asked |= {name: f"{day:%Y-%m-%d}" for name, day in (("since", since), ("until", until)) if day}
    return f"{reverse('findings')}?{urlencode(asked)}"


@dataclass(frozen=True)
class Standing:
    """A cluster against the nearest of its policy's lines."""

    cluster: Cluster
    equivalents: str
    against: AgainstLine


def standings(clusters: QuerySet[Cluster], *, shown: int) -> list[Standing]:
    """Clusters near a line and above one, the highest above it first."""
    near = (
        clusters.annotate(share=share_of_a_line())
        .filter(share__gte=NEAR)
        .select_related("policy", "organisation__signer", "site")
        .order_by("-share", "-id")
    )
    return [
        Standing(
            cluster,
            f"{cluster.tpp / H100E_TPP:,.1f}",
            AgainstLine(cluster.share, cluster.is_above),
        )
        for cluster in near[:shown]
    ]
