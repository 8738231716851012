"""Counts of sites, and the chips that the book had at a site at an instant, which a count is compared with."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.db.models import Max, QuerySet

from registry.models import Site
from tracking.models import AccountKind, StockCount

_CORRECTED: Final = """LEFT JOIN LATERAL (
        SELECT effective_at FROM tracking_correction WHERE original_id = movement.statement_id
        ORDER BY id DESC LIMIT 1) corrected ON true"""
_AT: Final = "coalesce(corrected.effective_at, movement.effective_at)"

ON_BOOK_AT: Final = f"""
WITH here AS (
    SELECT array_agg(id) AS accounts FROM tracking_account
    WHERE kind = ANY(%(kinds)s) AND organisation_id = %(organisation)s AND site_id = %(site)s),
moved_since AS (
    SELECT DISTINCT line.chip_id FROM tracking_movement movement {_CORRECTED}
    JOIN tracking_movementline line ON line.movement_id = movement.id
    WHERE (movement.source_id = ANY((SELECT accounts FROM here)::bigint[])
           OR movement.target_id = ANY((SELECT accounts FROM here)::bigint[]))
      AND {_AT} > %(at)s),
there AS (
    SELECT holding.chip_id FROM tracking_holding holding
    WHERE holding.account_id = ANY((SELECT accounts FROM here)::bigint[])
      AND NOT EXISTS (SELECT FROM moved_since WHERE moved_since.chip_id = holding.chip_id)
    UNION ALL
    SELECT moved_since.chip_id FROM moved_since CROSS JOIN LATERAL (
        SELECT movement.target_id FROM tracking_movementline line
        JOIN tracking_movement movement ON movement.id = line.movement_id {_CORRECTED}
        WHERE line.chip_id = moved_since.chip_id AND {_AT} <= %(at)s
          AND (movement.source_id = ANY((SELECT accounts FROM here)::bigint[])
               OR movement.target_id = ANY((SELECT accounts FROM here)::bigint[]))
        ORDER BY movement.id DESC LIMIT 1) last
    WHERE last.target_id = ANY((SELECT accounts FROM here)::bigint[]))
SELECT there.chip_id, maker.handle || '/' || chip.serial AS name FROM there
JOIN registry_chip chip ON chip.id = there.chip_id JOIN ledger_signer maker ON maker.id = chip.maker_id
"""
"""The chips that the book has at a site at an instant, by effective time as corrected; takes `what_is_here`.

What is there now, but for the chips that came or went since; of those, the last movement into or out of the place until
then decides. What others say of a chip elsewhere, and when they say that it happened, changes nothing here.
"""

HERE: Final = (AccountKind.ON_HAND, AccountKind.RETIRED)
"""The accounts whose chips stand at the site: retired ones count until their destruction is certified."""


def what_is_here(site: Site, *, at: datetime) -> dict[str, Any]:
    """The parameters of ``ON_BOOK_AT`` for the organisation whose site it is; ``Any`` as a cursor takes them."""
    return {
        "kinds": [kind.value for kind in HERE],
        "organisation": site.organisation_id,
        "site": site.pk,
        "at": at,
    }


def names_on_book(site: Site, *, at: datetime) -> list[str]:
    """The chips that the book had at a site at an instant, as `maker/serial`, sorted."""
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT name FROM ({ON_BOOK_AT}) named ORDER BY name COLLATE "C"',
            what_is_here(site, at=at),
        )
        return [name for (name,) in cursor.fetchall()]


def last_counted(site: Site) -> datetime | None:
    """When the site's newest count was taken."""
    newest: datetime | None = StockCount.objects.filter(site=site).aggregate(newest=Max("counted_at"))[
        "newest"
    ]
    return newest


def with_places(counts: QuerySet[StockCount]) -> QuerySet[StockCount]:
    """Counts with everything that a line of a list shows."""
    return counts.select_related("organisation__signer", "site", "statement")
