"""Comparing a count with the book, and writing down by which chips they differ."""

from __future__ import annotations

from typing import Final

from django.db import connection

from chipledger.statements.tracking import StockCounted
from ledger.handlers import Filing
from registry.models import Site
from registry.queries.lookups import hold_names
from tracking.actions.staging import EXPECTED, WORTH_COUNTING, empty
from tracking.models import Account, StockCount, StockDifference
from tracking.queries.stock_counts import HERE, ON_BOOK_AT, what_is_here

FOUND: Final = "staged_chips"


def hold_site(code: str, *, by: int) -> Site | None:
    """The organisation's own site, held until the commit against everything that would change which chips it has.

    Movements share their accounts, and first accounts their site: they wait for us, or we for them, before they draw
    their number, so that they stand in the log in the order in which they saw each other. So do corrections, which
    change when movements count. Foreign keys alone would wait too late: they are looked at when all is committed.
    """
    hold_names("correction", ["any"], shared=True)
    site = Site.objects.select_for_update(no_key=True).filter(code=code, organisation=by).first()
    if site is not None:
        here = Account.objects.filter(kind__in=HERE, organisation=by, site=site).order_by("pk")
        list(here.select_for_update(no_key=True))
    return site


def record_count(filing: Filing[StockCounted], site: Site) -> StockCount:
    """Keep the count with its totals, and each chip that is missing or unexpected."""
    body = filing.body
    expected, found, both = _compare(filing, site)
    counted = StockCount.objects.create(
        statement=filing.booked,
        organisation_id=filing.signer.pk,
        site=site,
        method=body.method,
        counted_at=body.counted_at,
        recorded_at=filing.at,
        expected=expected,
        found=found,
        missing=expected - both,
        unexpected=found - both,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO tracking_stockdifference (count_id, kind, name, chip_id)
                SELECT %(count)s, differing.kind, differing.name, differing.chip_id FROM (
                    SELECT %(missing)s AS kind, expected.name, expected.chip_id FROM {EXPECTED} expected
                    WHERE NOT EXISTS (SELECT FROM {FOUND} found WHERE found.chip = expected.name)
                    UNION ALL
                    SELECT %(unexpected)s, found.chip, NULL FROM {FOUND} found
                    WHERE NOT EXISTS (SELECT FROM {EXPECTED} expected WHERE expected.name = found.chip)) differing
                ORDER BY differing.kind, differing.name""",
            {
                "count": counted.pk,
                "missing": StockDifference.Kind.MISSING,
                "unexpected": StockDifference.Kind.UNEXPECTED,
            },
        )
        if cursor.rowcount != counted.missing + counted.unexpected:
            raise RuntimeError(f"{cursor.rowcount} differences of {counted.missing + counted.unexpected}")
    return counted


def _compare(filing: Filing[StockCounted], site: Site) -> tuple[int, int, int]:
    """How many chips were expected, how many found, and how many both; names are compared, never looked up."""
    empty(EXPECTED)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {EXPECTED} {ON_BOOK_AT}", what_is_here(site, at=filing.body.counted_at))
        if cursor.rowcount >= WORTH_COUNTING:
            cursor.execute(f"ANALYZE {EXPECTED}")
        cursor.execute(
            f"""SELECT (SELECT count(*) FROM {EXPECTED}), (SELECT count(*) FROM {FOUND}),
                       (SELECT count(*) FROM {EXPECTED} expected JOIN {FOUND} found ON found.chip = expected.name)"""
        )
        expected, found, both = cursor.fetchone()
    return int(expected), int(found), int(both)
