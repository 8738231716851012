"""The limit of a hand-over: the set-based SQL that finds the chips by name, moves them, and writes their history."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

_DISPATCH = """
WITH transfer AS (
    INSERT INTO tracking_transfer (digest, statement_id, sender_id, consignee_id, from_site_id, to_site_id, waybill,
        quantity, outstanding, state, dispatched_at, estimated_arrival, due_at, recorded_at)
    SELECT sha256(gen_random_uuid()::text::bytea), %(statement)s, source.organisation_id, target.organisation_id,
        source.site_id, target.site_id, '', %(quantity)s, %(quantity)s, 'dispatched', now(), now(), now(), now()
    FROM tracking_account source, tracking_account target WHERE source.id = %(source)s AND target.id = %(target)s
    RETURNING id
), movement AS (
    INSERT INTO tracking_movement (kind, statement_id, source_id, target_id, quantity, effective_at, recorded_at)
    VALUES ('dispatched', %(statement)s, %(source)s, %(transit)s, %(quantity)s, now(), now()) RETURNING id
), moved AS (
    UPDATE tracking_holding holding
    SET account_id = %(transit)s, movement_id = movement.id, transfer_id = transfer.id, since = now(),
        installed_at = NULL, taken_out_at = NULL, taken_out_before = NULL
    FROM registry_chip chip, movement, transfer
    WHERE chip.maker_id = %(maker)s AND chip.serial = ANY (%(serials)s) AND holding.chip_id = chip.id
      AND holding.account_id = %(source)s
    RETURNING holding.chip_id, holding.movement_id
), line AS (
    INSERT INTO tracking_movementline (chip_id, movement_id) SELECT chip_id, movement_id FROM moved RETURNING chip_id
)
SELECT transfer.id, (SELECT count(*) FROM line) FROM transfer
"""

_RECEIVE = """
WITH movement AS (
    INSERT INTO tracking_movement (kind, statement_id, source_id, target_id, quantity, effective_at, recorded_at)
    VALUES ('received', %(statement)s, %(transit)s, %(target)s, %(quantity)s, now(), now()) RETURNING id
), moved AS (
    UPDATE tracking_holding holding
    SET account_id = %(target)s, movement_id = movement.id, transfer_id = NULL, since = now(),
        installed_at = NULL, taken_out_at = NULL, taken_out_before = NULL
    FROM movement WHERE holding.transfer_id = %(transfer)s
    RETURNING holding.chip_id, holding.movement_id
), line AS (
    INSERT INTO tracking_movementline (chip_id, movement_id) SELECT chip_id, movement_id FROM moved RETURNING chip_id
), closed AS (
    UPDATE tracking_transfer SET outstanding = 0, state = 'settled', received_at = now(), closed_at = now()
    WHERE id = %(transfer)s
)
SELECT count(*) FROM line
"""


def hand_over(
    serials: Sequence[str], *, maker: int, source: int, transit: int, target: int, statement: int
) -> None:
    """Take chips from one account to another by way of the sender's chips under way; two commits."""
    values: dict[str, list[str] | int] = {
        "serials": list(serials),
        "quantity": len(serials),
        "maker": maker,
        "source": source,
        "transit": transit,
        "target": target,
        "statement": statement,
    }
    with connection.cursor() as cursor:
        cursor.execute(_DISPATCH, values)
        transfer, dispatched = cursor.fetchone()
        cursor.execute(_RECEIVE, {**values, "transfer": transfer})
        (received,) = cursor.fetchone()
    if not dispatched == received == len(serials):
        raise RuntimeError(f"{dispatched} chips were dispatched and {received} received of {len(serials)}")
