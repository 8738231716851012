"""The shipper/receiver difference of a receipt: recorded once, and ended by a settlement that names it."""

from __future__ import annotations

from django.db import connection

from ledger.handlers import B, Filing
from tracking.actions.staging import SETS, STAGED, fill_moving
from tracking.actions.transfers import ENDED_BY
from tracking.models import DifferenceKind, Transfer
from tracking.rules.transitions import Act

CLAIMS = (DifferenceKind.OVER, DifferenceKind.SWAPPED)
TAKEN_OVER = "received"


def record_differences(filing: Filing[B], transfer: Transfer) -> None:
    """Write down the four sets, what is open already not again; damaged chips are settled by being taken over."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO tracking_difference
                    (transfer_id, receipt_id, kind, name, why, chip_id, settlement_id, outcome, recorded_at, settled_at)
                SELECT %(transfer)s, %(receipt)s, named.kind, coalesce(named.found, named.name), named.why,
                       named.chip_id,
                       CASE WHEN named.kind = %(damaged)s THEN %(receipt)s::bigint END,
                       CASE WHEN named.kind = %(damaged)s THEN %(taken_over)s ELSE '' END,
                       %(at)s, CASE WHEN named.kind = %(damaged)s THEN %(at)s::timestamptz END
                FROM {SETS} named WHERE NOT EXISTS (
                    SELECT FROM tracking_difference known WHERE known.transfer_id = %(transfer)s
                    AND known.settled_at IS NULL AND known.kind = named.kind
                    AND known.name = coalesce(named.found, named.name))
                ORDER BY named.row""",
            {
                "transfer": transfer.pk,
                "receipt": filing.booked.pk,
                "damaged": DifferenceKind.DAMAGED,
                "taken_over": TAKEN_OVER,
                "at": filing.at,
            },
        )


def fill_with_claimed() -> int:
    """Put the chips that a settlement names into ``moving_chips``."""
    return fill_moving(f"SELECT chip_id FROM {STAGED}", [])


def end_claims(filing: Filing[B], transfer: Transfer, act: Act) -> None:
    """Close the claims that the settlement names, each once or more often if it was made in more than one way."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE tracking_difference SET settlement_id = %s, settled_at = %s, outcome = %s
                WHERE transfer_id = %s AND kind = ANY(%s) AND settled_at IS NULL
                  AND name IN (SELECT name FROM {STAGED})""",
            [filing.booked.pk, filing.at, ENDED_BY[act], transfer.pk, list(CLAIMS)],
        )
