"""The identities that hold at every moment (design §4), each as one query that finds what breaks it."""

from __future__ import annotations

from typing import Final

from django.db import connection

IDENTITIES: Final[dict[str, str]] = {
    "every chip has one holding": """
        SELECT chip.id, holding.chip_id FROM registry_chip chip
        FULL JOIN tracking_holding holding ON holding.chip_id = chip.id
        WHERE chip.id IS NULL OR holding.chip_id IS NULL""",
    "commissioned + opened = all accounts together": """
        SELECT entered.quantity, held.quantity
        FROM (SELECT coalesce(sum(quantity), 0) AS quantity FROM tracking_movement WHERE source_id IS NULL) entered,
             (SELECT count(*) AS quantity FROM tracking_holding) held
        WHERE entered.quantity <> held.quantity""",
    "per organisation: commissioned + opened + taken over = its accounts + handed over": """
        WITH sides AS (
            SELECT target.organisation_id AS organisation_id, movement.quantity FROM tracking_movement movement
            JOIN tracking_account target ON target.id = movement.target_id
            LEFT JOIN tracking_account source ON source.id = movement.source_id
            WHERE source.organisation_id IS DISTINCT FROM target.organisation_id
            UNION ALL
            SELECT source.organisation_id, -movement.quantity FROM tracking_movement movement
            JOIN tracking_account target ON target.id = movement.target_id
            JOIN tracking_account source ON source.id = movement.source_id
            WHERE source.organisation_id <> target.organisation_id
            UNION ALL
            SELECT account.organisation_id, -count(*) FROM tracking_holding holding
            JOIN tracking_account account ON account.id = holding.account_id GROUP BY account.organisation_id)
        SELECT organisation_id, sum(quantity) FROM sides GROUP BY organisation_id HAVING sum(quantity) <> 0""",
    "per account: increases − decreases = its holdings": """
        WITH sides AS (
            SELECT target_id AS account_id, quantity FROM tracking_movement
            UNION ALL SELECT source_id, -quantity FROM tracking_movement WHERE source_id IS NOT NULL
            UNION ALL SELECT account_id, -count(*) FROM tracking_holding GROUP BY account_id)
        SELECT account_id, sum(quantity) FROM sides GROUP BY account_id HAVING sum(quantity) <> 0""",
    "a movement moves as many chips as it has lines": """
        SELECT movement.id, movement.quantity, count(line.chip_id) FROM tracking_movement movement
        LEFT JOIN tracking_movementline line ON line.movement_id = movement.id
        GROUP BY movement.id HAVING movement.quantity <> count(line.chip_id)""",
    "each movement of a chip begins where the one before ended": """
        SELECT * FROM (
            SELECT line.chip_id, movement.id, movement.source_id,
                   lag(movement.target_id) OVER (PARTITION BY line.chip_id ORDER BY movement.id) AS before
            FROM tracking_movementline line JOIN tracking_movement movement ON movement.id = line.movement_id) chain
        WHERE source_id IS DISTINCT FROM before""",
    "a holding is the projection of the chip's last movement": """
        SELECT holding.chip_id, holding.movement_id FROM tracking_holding holding
        JOIN tracking_movement movement ON movement.id = holding.movement_id
        WHERE movement.target_id <> holding.account_id OR holding.movement_id <> (
            SELECT max(line.movement_id) FROM tracking_movementline line WHERE line.chip_id = holding.chip_id)""",
    "a chip is in a transfer exactly while it is in transit": """
        SELECT holding.chip_id, account.kind, holding.transfer_id FROM tracking_holding holding
        JOIN tracking_account account ON account.id = holding.account_id
        WHERE (account.kind = 'in_transit') <> (holding.transfer_id IS NOT NULL)""",
    "only chips on hand are in service": """
        SELECT holding.chip_id, account.kind FROM tracking_holding holding
        JOIN tracking_account account ON account.id = holding.account_id
        WHERE holding.installed_at IS NOT NULL AND account.kind <> 'on_hand'""",
    "what is outstanding of a transfer is what is under way": """
        SELECT transfer.id, transfer.outstanding, count(holding.chip_id) FROM tracking_transfer transfer
        LEFT JOIN tracking_holding holding ON holding.transfer_id = transfer.id
        GROUP BY transfer.id HAVING transfer.outstanding <> count(holding.chip_id)""",
    "a transfer is open exactly while something is under way": """
        SELECT id, state, outstanding FROM tracking_transfer WHERE (closed_at IS NULL) <> (outstanding > 0)""",
    "a shortage is open exactly while its chip is under way": """
        SELECT difference.id FROM tracking_difference difference
        LEFT JOIN tracking_holding holding
          ON holding.chip_id = difference.chip_id AND holding.transfer_id = difference.transfer_id
        WHERE difference.kind = 'short' AND difference.settled_at IS NULL AND holding.chip_id IS NULL""",
    "a count has as many differences as it says": """
        SELECT counted.id, counted.missing, counted.unexpected FROM tracking_stockcount counted
        LEFT JOIN tracking_stockdifference difference ON difference.count_id = counted.id
        GROUP BY counted.id
        HAVING counted.missing <> count(difference.id) FILTER (WHERE difference.kind = 'missing')
            OR counted.unexpected <> count(difference.id) FILTER (WHERE difference.kind = 'unexpected')""",
}


def check_identities() -> list[str]:
    """Every identity that does not hold, with the first row that breaks it; empty when the book closes."""
    broken = []
    with connection.cursor() as cursor:
        for name, query in IDENTITIES.items():
            cursor.execute(f"SELECT found::text FROM ({query}) found LIMIT 1")
            row = cursor.fetchone()
            if row is not None:
                broken.append(f"{name}: {row[0]}")
    return broken
