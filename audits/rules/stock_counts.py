"""Rules about counts: chips that were not found at their site, and chips that were found where the book has none.

A count is the word of the party that is audited. A later one ends what an earlier one began, and ends nothing
that another rule has found.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from audits.models import Nature
from audits.rules.rule import Rule

_STANDING: Final = """
        WITH counts AS (
            SELECT counted.id, counted.site_id, counted.organisation_id, counted.counted_at, counted.recorded_at,
                   signed.digest,
                   row_number() OVER (PARTITION BY counted.site_id ORDER BY counted.counted_at) AS place,
                   count(*) OVER (PARTITION BY counted.site_id) AS newest
            FROM tracking_stockcount counted
            JOIN ledger_statement signed ON signed.id = counted.statement_id
        ),
        in_a_row AS (
            SELECT said.*, newest + 1 = place
                       + row_number() OVER (PARTITION BY site_id, name ORDER BY place DESC) AS until_the_newest
            FROM ({said}) said
        ),
        standing AS (
            SELECT site_id, name, max(chip_id) AS chip_id, max(organisation_id) AS organisation_id,
                   min(recorded_at) AS began_at, max(counted_at) AS counted_at, count(*) AS times,
                   max(encode(digest, 'hex')) FILTER (WHERE place = newest) AS digest
            FROM in_a_row WHERE until_the_newest
            GROUP BY site_id, name
        )
"""
"""What the counts of a site have said without a break up to its newest one, since they first did."""

COUNT_SHORT: Final = Rule(
    code="count_short",
    version=1,
    nature=Nature.DISCREPANCY,
    severity=3,
    cites="the holder, which did not find the chip where it has it on the book",
    due=timedelta(days=10),
    title="Chip not found when its site was counted",
    next_step="Find the chip and count again, file the paper by which it left, or report it lost.",
    # It stands while every count since misses the chip, unless the chip came to the site anew, or proved by its own key
    # or to an inspector that it is there. Taking it back by voiding a dispatch is no arrival.
    query=_STANDING.format(
        said="""
            SELECT difference.name, difference.chip_id, counts.*
            FROM tracking_stockdifference difference
            JOIN counts ON counts.id = difference.count_id
            JOIN tracking_holding holding ON holding.chip_id = difference.chip_id
            JOIN tracking_account account ON account.id = holding.account_id
             AND account.kind IN ('on_hand', 'retired') AND account.site_id = counts.site_id
            JOIN tracking_movement movement ON movement.id = holding.movement_id
            WHERE difference.kind = 'missing'
              AND (holding.since <= counts.counted_at OR movement.kind NOT IN ('received', 'returned', 'recovered'))
        """
    )
    + """
        SELECT 'chip:' || standing.name AS subject,
               CASE WHEN %(now)s - standing.began_at > %(unusual)s
                      OR count(*) OVER (PARTITION BY standing.site_id) > %(many_lost)s THEN 4
                    ELSE 3 END AS severity,
               standing.organisation_id,
               NULL::bigint AS counterparty_id,
               standing.site_id,
               standing.chip_id,
               NULL::bigint AS transfer_id,
               NULL::bigint AS policy_id,
               standing.began_at,
               jsonb_build_object('counted_at', standing.counted_at, 'counts_without_it', standing.times,
                                  'missing_at_site', count(*) OVER (PARTITION BY standing.site_id),
                                  'count', standing.digest) AS arithmetic,
               '{}'::jsonb AS confidential
        FROM standing
        WHERE NOT EXISTS (
            SELECT FROM attestations_sighting seen
            WHERE seen.chip_id = standing.chip_id AND seen.site_id = standing.site_id
              AND seen.identity >= 4 AND seen.seen_at > standing.counted_at)
    """,
)

COUNT_OVER: Final = Rule(
    code="count_over",
    version=1,
    nature=Nature.DISCREPANCY,
    severity=2,
    cites="the organisation that found the chip at its site, where the book does not have it",
    due=timedelta(days=10),
    title="Chip found where the book does not have it",
    next_step="Sign for the delivery it came by, let its holder dispatch it, or count again if it was misread.",
    # Whether such a chip exists, and where the book has it, is for regulators alone: nobody may try out serials here.
    query=_STANDING.format(
        said="""
            SELECT difference.name, difference.chip_id, counts.*
            FROM tracking_stockdifference difference
            JOIN counts ON counts.id = difference.count_id
            WHERE difference.kind = 'unexpected'
        """
    )
    + """
        SELECT 'count:' || place.code || ':' || standing.name AS subject,
               CASE WHEN %(now)s - standing.began_at > %(unusual)s THEN 4
                    WHEN %(now)s - standing.began_at > %(in_grace)s THEN 3
                    ELSE 2 END AS severity,
               standing.organisation_id,
               nullif(account.organisation_id, standing.organisation_id) AS counterparty_id,
               standing.site_id,
               NULL::bigint AS chip_id,
               NULL::bigint AS transfer_id,
               NULL::bigint AS policy_id,
               standing.began_at,
               jsonb_build_object('chip', standing.name, 'counted_at', standing.counted_at,
                                  'counts_with_it', standing.times, 'count', standing.digest) AS arithmetic,
               jsonb_build_object('is_registered', chip.id IS NOT NULL, 'account', account.kind,
                                  'booked_at', booked.code, 'holder', holder.handle) AS confidential
        FROM standing
        JOIN registry_site place ON place.id = standing.site_id
        LEFT JOIN ledger_signer maker ON maker.handle = split_part(standing.name, '/', 1)
        LEFT JOIN registry_chip chip ON chip.maker_id = maker.id AND chip.serial = split_part(standing.name, '/', 2)
        LEFT JOIN tracking_holding holding ON holding.chip_id = chip.id
        LEFT JOIN tracking_account account ON account.id = holding.account_id
        LEFT JOIN ledger_signer holder ON holder.id = account.organisation_id
        LEFT JOIN registry_site booked ON booked.id = account.site_id
        WHERE account.id IS NULL OR account.kind NOT IN ('on_hand', 'retired') OR account.site_id <> standing.site_id
    """,
)
