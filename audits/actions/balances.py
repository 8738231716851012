"""Measuring balances: book inventory against what the silicon proved, for every organisation and site."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import connection

from audits.rules.rule import parameters

# A chip has at most one sighting in each grade, so counting rows counts chips. Only chips in service owe evidence.
# Counted by account first, which is one narrow number; into a temporary table, which PostgreSQL fills in parallel.
_COUNT: Final = """
CREATE TEMP TABLE balance ON COMMIT DROP AS
WITH book AS (
    SELECT account_id, count(*) AS chips, count(installed_at) AS installed FROM tracking_holding GROUP BY account_id
), silicon AS (
    SELECT holding.account_id,
           count(*) FILTER (WHERE seen.identity = 5) AS hardware,
           count(*) FILTER (WHERE seen.identity = 4) AS inspected,
           count(*) FILTER (WHERE seen.identity = 3) AS host,
           count(*) FILTER (WHERE seen.identity < 3) AS weaker
    FROM attestations_sighting seen
    JOIN tracking_holding holding ON holding.chip_id = seen.chip_id
    JOIN tracking_account account
      ON account.id = holding.account_id AND account.kind = 'on_hand' AND account.site_id = seen.site_id
    WHERE holding.installed_at IS NOT NULL AND seen.seen_at > %(fresh_since)s
    GROUP BY holding.account_id
)
SELECT account.organisation_id, account.site_id,
       coalesce(sum(book.chips) FILTER (WHERE account.kind = 'on_hand'), 0) AS on_hand,
       coalesce(sum(book.installed) FILTER (WHERE account.kind = 'on_hand'), 0) AS installed,
       coalesce(sum(book.chips) FILTER (WHERE account.kind = 'in_transit'), 0) AS in_transit,
       coalesce(sum(book.chips) FILTER (WHERE account.kind = 'lost'), 0) AS lost,
       coalesce(sum(book.chips) FILTER (WHERE account.kind = 'stolen'), 0) AS stolen,
       coalesce(sum(book.chips) FILTER (WHERE account.kind = 'retired'), 0) AS retired,
       coalesce(sum(book.chips) FILTER (WHERE account.kind = 'destroyed'), 0) AS destroyed,
       coalesce(sum(book.chips) FILTER (WHERE account.kind = 'exported'), 0) AS exported,
       coalesce(sum(silicon.hardware), 0) AS hardware,
       coalesce(sum(silicon.inspected), 0) AS inspected,
       coalesce(sum(silicon.host), 0) AS host,
       coalesce(sum(silicon.weaker), 0) AS weaker
FROM book
JOIN tracking_account account ON account.id = book.account_id
LEFT JOIN silicon ON silicon.account_id = book.account_id
GROUP BY account.organisation_id, account.site_id
"""

_BOOK: Final = """
INSERT INTO audits_balance (organisation_id, site_id, on_hand, installed, in_transit, lost, stolen, retired, destroyed,
                            exported, seen_hardware, seen_inspected, seen_host, seen_weaker, unaccounted, measured_at)
SELECT organisation_id, site_id, on_hand, installed, in_transit, lost, stolen, retired, destroyed, exported,
       hardware, inspected, host, weaker, installed - hardware, %(now)s
FROM balance
ON CONFLICT (organisation_id, site_id) DO UPDATE SET
    on_hand = excluded.on_hand, installed = excluded.installed, in_transit = excluded.in_transit, lost = excluded.lost,
    stolen = excluded.stolen, retired = excluded.retired, destroyed = excluded.destroyed, exported = excluded.exported,
    seen_hardware = excluded.seen_hardware, seen_inspected = excluded.seen_inspected, seen_host = excluded.seen_host,
    seen_weaker = excluded.seen_weaker, unaccounted = excluded.unaccounted, measured_at = excluded.measured_at
"""


def measure_balances(*, at: datetime) -> dict[str, int]:
    """Count every balance anew and forget those of accounts that are empty; how many there are, and what is missing."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.balance")
        cursor.execute(_COUNT, parameters(at))
        cursor.execute(_BOOK, {"now": at})
        cursor.execute("DELETE FROM audits_balance WHERE measured_at < %s", [at])
        cursor.execute("SELECT count(*), coalesce(sum(unaccounted), 0)::bigint FROM audits_balance")
        measured, unaccounted = cursor.fetchone()
    return {"measured": measured, "unaccounted": unaccounted}
