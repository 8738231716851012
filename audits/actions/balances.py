"""Measuring balances: book inventory against what the silicon proved, for every organisation and site."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.db import connection

from audits.queries import newest_size
from audits.rules.rule import parameters

# A chip has at most one sighting in each grade, so counting rows counts chips. Only chips in service owe evidence.
# Counted by account and model first, two narrow numbers; into a temporary table, which PostgreSQL fills in parallel.
_COUNT: Final = """
CREATE TEMP TABLE balance ON COMMIT DROP AS
WITH book AS (
    SELECT account_id, sum(chips) AS chips, sum(installed) AS installed, sum(chips * model.tpp) AS tpp
    FROM (SELECT account_id, model_id, count(*) AS chips, count(installed_at) AS installed
          FROM tracking_holding GROUP BY account_id, model_id) stock
    JOIN registry_chipmodel model ON model.id = stock.model_id
    GROUP BY account_id
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
       coalesce(sum(book.tpp) FILTER (WHERE account.kind = 'on_hand'), 0) AS tpp,
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
                            exported, seen_hardware, seen_inspected, seen_host, seen_weaker, unaccounted, tpp,
                            measured_at)
SELECT organisation_id, site_id, on_hand, installed, in_transit, lost, stolen, retired, destroyed, exported,
       hardware, inspected, host, weaker, installed - hardware, tpp, %(now)s
FROM balance
ON CONFLICT (organisation_id, site_id) DO UPDATE SET
    on_hand = excluded.on_hand, installed = excluded.installed, in_transit = excluded.in_transit, lost = excluded.lost,
    stolen = excluded.stolen, retired = excluded.retired, destroyed = excluded.destroyed, exported = excluded.exported,
    seen_hardware = excluded.seen_hardware, seen_inspected = excluded.seen_inspected, seen_host = excluded.seen_host,
    seen_weaker = excluded.seen_weaker, unaccounted = excluded.unaccounted,
    tpp = excluded.tpp, measured_at = excluded.measured_at
"""

_KEEP_DAY: Final = """
INSERT INTO audits_dailybalance (day, organisation_id, site_id, installed, seen_hardware, measured_at)
SELECT %(day)s, organisation_id, site_id, installed, hardware, %(now)s FROM balance WHERE installed > 0
ON CONFLICT (day, organisation_id, site_id) DO UPDATE SET
    installed = excluded.installed, seen_hardware = excluded.seen_hardware, measured_at = excluded.measured_at
"""


def measure_balances(*, at: datetime) -> dict[str, int]:
    """Count every balance anew and forget those of accounts that are empty; how many there are, and what is missing.

    The day keeps what its last sweep counted.
    """
    day = at.astimezone(UTC).date()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.balance")
        cursor.execute(_COUNT, parameters(at))
        cursor.execute(_BOOK, {"now": at})
        cursor.execute("DELETE FROM audits_balance WHERE measured_at < %s", [at])
        cursor.execute(_KEEP_DAY, {"now": at, "day": day})
        cursor.execute("DELETE FROM audits_dailybalance WHERE day = %s AND measured_at < %s", [day, at])
        cursor.execute("SELECT count(*), coalesce(sum(unaccounted), 0)::bigint FROM audits_balance")
        measured, unaccounted = cursor.fetchone()
    return {"measured": measured, "unaccounted": unaccounted, "checkpoint": newest_size()}
