"""How many chips stood on each account on a day gone by, from the quantities of movements rather than chip by chip."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.db import connection

from tracking.queries.as_of import AsOf, By
from tracking.queries.history import View

# Movements that count, added up, say where chips are as long as they count in the order of the log, as they always do
# by recorded time.
_RECORDED: Final = """
WITH dated AS (
    SELECT source_id, target_id, quantity FROM tracking_movement WHERE recorded_at < %(until)s
), booked (account_id, chips) AS (
    SELECT target_id, sum(quantity) FROM dated GROUP BY target_id
    UNION ALL
    SELECT source_id, -sum(quantity) FROM dated WHERE source_id IS NOT NULL GROUP BY source_id
)
SELECT account_id, sum(chips)::bigint FROM booked GROUP BY account_id HAVING sum(chips) <> 0
"""

# A chip is out of order when one of its movements counts and an earlier one does not, because it was filed late. Its
# movements are taken out of the sum again, and it stands where the last one that counts took it, as in
# `as_of.lines_at`. Such chips are looked for among movements that were filed after the first one that does not count:
# few, as nobody files late for long. The LIMIT and the OFFSET keep the look-ups by chip: the planner takes every other
# movement to be late, and would read all lines.
_EFFECTIVE: Final = """
WITH dated AS MATERIALIZED (
    SELECT movement.id, source_id, target_id, quantity, {at} < %(until)s AS counts
    FROM tracking_movement movement {corrected}
), late AS MATERIALIZED (
    SELECT line.chip_id, line.movement_id
    FROM dated JOIN tracking_movementline line ON line.movement_id = dated.id
    WHERE dated.counts AND dated.id > (SELECT min(id) FROM dated WHERE NOT counts)
), disordered AS MATERIALIZED (
    SELECT DISTINCT late.chip_id
    FROM late CROSS JOIN LATERAL (
        SELECT FROM tracking_movementline line JOIN tracking_movement movement ON movement.id = line.movement_id
        {corrected_each}
        WHERE line.chip_id = late.chip_id AND line.movement_id < late.movement_id AND {at} >= %(until)s
        LIMIT 1) earlier
), moved AS MATERIALIZED (
    SELECT disordered.chip_id, step.*
    FROM disordered CROSS JOIN LATERAL (
        SELECT movement.id, source_id, target_id
        FROM tracking_movementline line JOIN tracking_movement movement ON movement.id = line.movement_id
        {corrected_each}
        WHERE line.chip_id = disordered.chip_id AND {at} < %(until)s
        OFFSET 0) step
), booked (account_id, chips) AS (
    SELECT target_id, sum(quantity) FROM dated WHERE counts GROUP BY target_id
    UNION ALL
    SELECT source_id, -sum(quantity) FROM dated WHERE counts AND source_id IS NOT NULL GROUP BY source_id
    UNION ALL
    SELECT target_id, -count(*) FROM moved GROUP BY target_id
    UNION ALL
    SELECT source_id, count(*) FROM moved WHERE source_id IS NOT NULL GROUP BY source_id
    UNION ALL
    SELECT target_id, count(*)
    FROM (SELECT DISTINCT ON (chip_id) target_id FROM moved ORDER BY chip_id, id DESC) last GROUP BY target_id
)
SELECT account_id, sum(chips)::bigint FROM booked GROUP BY account_id HAVING sum(chips) <> 0
"""

_FILED: Final = {"at": "movement.effective_at", "corrected": "", "corrected_each": ""}
_CORRECTED: Final = {
    "at": "coalesce(correction.effective_at, movement.effective_at)",
    "corrected": """LEFT JOIN (
        SELECT DISTINCT ON (original_id) original_id, effective_at FROM tracking_correction
        ORDER BY original_id, id DESC) correction ON correction.original_id = movement.statement_id""",
    "corrected_each": """LEFT JOIN LATERAL (
        SELECT effective_at FROM tracking_correction WHERE original_id = movement.statement_id
        ORDER BY id DESC LIMIT 1) correction ON true""",
}


def counts_at(accounts: Collection[int], asked: AsOf) -> dict[int, int]:
    """The chips on each of these accounts at the end of the day, in the time and the view that are asked for.

    Accounts that were empty are left out. One pass over movements, of which there are far fewer than chips moved.
    """
    if asked.by == By.RECORDED:
        query = _RECORDED
    else:
        query = _EFFECTIVE.format(**(_FILED if asked.view == View.FILED else _CORRECTED))
    with connection.cursor() as cursor:
        cursor.execute(query, {"until": asked.until})
        return {account: chips for account, chips in cursor.fetchall() if account in accounts}
