"""Rules about papers that disagree: receipts that do not come, and shipper/receiver differences that stay open."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from audits.models import Nature
from audits.rules.rule import Rule

OVERDUE_RECEIPT: Final = Rule(
    code="overdue_receipt",
    version=2,
    nature=Nature.DISCREPANCY,
    severity=2,
    cites="the consignee, which has not signed for the dispatch",
    due=timedelta(days=5),
    title="Receipt overdue",
    next_step="Sign for what arrived, with every difference; or the sender voids what never left.",
    query="""
        SELECT 'transfer:' || encode(transfer.digest, 'hex') AS subject,
               CASE WHEN late.by > %(protracted)s THEN 5
                    WHEN late.by > %(unusual)s THEN 4
                    WHEN late.by > %(in_grace)s THEN 3
                    ELSE 2 END AS severity,
               transfer.consignee_id AS organisation_id,
               nullif(transfer.sender_id, transfer.consignee_id) AS counterparty_id,
               transfer.to_site_id AS site_id,
               NULL::bigint AS chip_id,
               transfer.id AS transfer_id,
               NULL::bigint AS policy_id,
               transfer.due_at AS began_at,
               jsonb_build_object('due_at', transfer.due_at, 'quantity', transfer.quantity,
                                  'outstanding', transfer.outstanding, 'named_as_missing', missing.quantity,
                                  'days_late', floor(extract(epoch FROM late.by) / 86400)) AS arithmetic,
               '{}'::jsonb AS confidential
        FROM tracking_transfer transfer
        CROSS JOIN LATERAL (SELECT %(now)s - transfer.due_at AS by) late
        CROSS JOIN LATERAL (
            SELECT count(DISTINCT difference.chip_id) AS quantity FROM tracking_difference difference
            WHERE difference.transfer_id = transfer.id AND difference.settled_at IS NULL
              AND difference.kind IN ('short', 'swapped')
        ) missing
        WHERE transfer.state IN ('dispatched', 'partially_received')
          AND transfer.due_at < %(now)s
          AND transfer.outstanding > missing.quantity
    """,
)


def _of_difference(kind: str, *, least: int) -> str:
    """Transfers with an open difference of one kind; it weighs ``least`` at first and more the longer it stays open."""
    return f"""
        SELECT 'transfer:' || encode(transfer.digest, 'hex') AS subject,
               CASE WHEN %(now)s - difference.began_at > %(unusual)s THEN 4
                    WHEN %(now)s - difference.began_at > %(in_grace)s THEN 3
                    ELSE {least} END AS severity,
               transfer.sender_id AS organisation_id,
               nullif(transfer.consignee_id, transfer.sender_id) AS counterparty_id,
               transfer.to_site_id AS site_id,
               NULL::bigint AS chip_id,
               transfer.id AS transfer_id,
               NULL::bigint AS policy_id,
               difference.began_at,
               jsonb_build_object('quantity', transfer.quantity, '{kind}', difference.quantity,
                                  'chips', to_jsonb(difference.names[1:20])) AS arithmetic,
               '{{}}'::jsonb AS confidential
        FROM (
            SELECT transfer_id, min(recorded_at) AS began_at, count(*) AS quantity,
                   array_agg(name ORDER BY name) AS names
            FROM tracking_difference
            WHERE kind = '{kind}' AND settled_at IS NULL
            GROUP BY transfer_id
        ) difference
        JOIN tracking_transfer transfer ON transfer.id = difference.transfer_id
    """


QUANTITY_SHORT: Final = Rule(
    code="quantity_short",
    version=1,
    nature=Nature.DISCREPANCY,
    severity=2,
    cites="the sender, which answers for the chips until somebody signs for them",
    due=timedelta(days=10),
    title="Fewer chips arrived than were dispatched",
    next_step="Find the chips, then settle the difference: later receipt, return, or loss.",
    query=_of_difference("short", least=2),
)
QUANTITY_OVER: Final = Rule(
    code="quantity_over",
    version=1,
    nature=Nature.DISCREPANCY,
    severity=2,
    cites="the sender, from whom chips came that no dispatch names",
    due=timedelta(days=10),
    title="Chips arrived that nobody dispatched",
    next_step="The holder dispatches them by paper after the fact, or they go back.",
    query=_of_difference("over", least=2),
)
MISMATCH_INSTANCE: Final = Rule(
    code="mismatch_instance",
    version=1,
    nature=Nature.DISCREPANCY,
    severity=3,
    cites="the sender, which dispatched other serials than arrived",
    due=timedelta(days=10),
    title="Other serials arrived than were dispatched",
    next_step="Compare both serials with the chips themselves, then settle each.",
    query=_of_difference("swapped", least=3),
)
