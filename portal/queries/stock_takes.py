"""Counts as pages show them, which sites are due for one, and which chips attest at a site."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Greatest

from attestations.models import IdentityGrade, Sighting
from attestations.rules import cadence
from audits.models import Finding
from registry.access import Reader, visible
from registry.models import Chip, Site
from tracking.models import Account, AccountKind, Holding, Movement, StockCount, StockDifference
from tracking.queries.holdings import placements
from web.components import Tone

PERIOD: Final = timedelta(days=180)
"""How often a site that holds chips is counted: 10 CFR 74.59(f)(1) asks for six calendar months at the longest."""

SOON: Final = timedelta(days=30)
"""From so long before it is due, a stock-take is shown to whoever must take it."""

COUNTED_RULES: Final = ("count_short", "count_over")


@dataclass(frozen=True)
class DueStockTake:
    """A site that holds chips, when it was last counted, and when it must be counted next."""

    site: Site
    counted_at: datetime | None
    due_at: datetime
    days_late: int


def due_stock_takes(reader: Reader, *, at: datetime, within: timedelta | None = SOON) -> list[DueStockTake]:
    """The sites that must be counted by now or soon (``within`` None: some day), the longest overdue first.

    The period begins with the last count, or with the first chip that came there where that was later.
    """
    last = StockCount.objects.filter(site=OuterRef("site"), organisation=OuterRef("organisation"))
    first = Movement.objects.filter(target=OuterRef("pk")).order_by("pk").values("recorded_at")[:1]
    holding = (
        visible(reader, Account)
        .filter(Exists(Holding.objects.filter(account=OuterRef("pk"))), kind=AccountKind.ON_HAND)
        .annotate(counted_at=Subquery(last.order_by("-counted_at").values("counted_at")[:1]))
        .annotate(due_at=Greatest(F("counted_at"), Subquery(first)) + PERIOD)
    )
    if within is not None:
        holding = holding.filter(due_at__lte=at + within)
    return [
        DueStockTake(site, counted_at, due_at, max(0, (at - due_at).days))
        for site, counted_at, due_at in (
            (account.site, account.counted_at, account.due_at)
            for account in holding.select_related("site", "organisation__signer").order_by("due_at", "pk")
        )
    ]


def freshly_seen(site: Site, *, reader: Reader, at: datetime) -> list[str]:
    """The chips whose newest evidence by a host or better is of this site and fresh, of all that own sites saw."""
    strong = visible(reader, Sighting).filter(identity__gte=IdentityGrade.HOST, seen_at__lte=at)
    later_elsewhere = strong.filter(chip=OuterRef("chip"), seen_at__gt=OuterRef("seen_at")).exclude(site=site)
    fresh = strong.filter(~Exists(later_elsewhere), site=site, seen_at__gt=at - cadence())
    pairs = fresh.values_list("chip__maker__signer__handle", "chip__serial").distinct()
    return sorted(f"{maker}/{serial}" for maker, serial in pairs)


def state_of(counted: StockCount) -> tuple[str, Tone]:
    """What a count found, in a word."""
    if counted.missing and counted.unexpected:
        return "Missing and unexpected", Tone.GAP
    if counted.missing:
        return "Chips missing", Tone.GAP
    return ("Chips unexpected", Tone.WAIT) if counted.unexpected else ("Agrees", Tone.GOOD)


@dataclass(frozen=True)
class DifferenceLine:
    """A difference as this reader may see it: ``chip`` and ``now`` only where it may know of them."""

    difference: StockDifference
    chip: Chip | None
    now: Holding | None
    finding: Finding | None


def difference_lines(
    differences: Sequence[StockDifference], *, site: Site, reader: Reader
) -> list[DifferenceLine]:
    """A page of differences with their chips, where those are now, and the newest finding about each."""
    chips = _chips_named([each.name for each in differences], reader=reader)
    where = placements(chips.values(), reader=reader)
    findings = _findings_about(differences, site=site, reader=reader)
    lines = []
    for each in differences:
        chip = chips.get(each.name)
        lines.append(
            DifferenceLine(
                each, chip, where.get(chip.pk) if chip else None, findings.get(_subject_of(each, site))
            )
        )
    return lines


def _chips_named(names: Sequence[str], *, reader: Reader) -> dict[str, Chip]:
    """Those of these chips that the reader may know of, by name."""
    serials: dict[str, list[str]] = defaultdict(list)
    for name in names:
        maker, _, serial = name.partition("/")
        serials[maker].append(serial)
    wanted = Q(pk__in=[])
    for maker, found in serials.items():
        wanted |= Q(maker__signer__handle=maker, serial__in=found)
    chips = visible(reader, Chip).filter(wanted).select_related("maker__signer", "model")
    return {chip.name: chip for chip in chips}


def _findings_about(
    differences: Sequence[StockDifference], *, site: Site, reader: Reader
) -> dict[str, Finding]:
    subjects = [_subject_of(each, site) for each in differences]
    found = visible(reader, Finding).filter(rule__in=COUNTED_RULES, subject__in=subjects, site=site)
    return {finding.subject: finding for finding in found.order_by("pk")}


def _subject_of(difference: StockDifference, site: Site) -> str:
    if difference.kind == StockDifference.Kind.MISSING:
        return f"chip:{difference.name}"
    return f"count:{site.code}:{difference.name}"
