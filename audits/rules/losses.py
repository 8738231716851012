"""The rule about chips that their holder says it has lost: saying so closes nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from audits.models import Nature
from audits.rules.rule import Rule

DECLARED_LOSS: Final = Rule(
    code="declared_loss",
    version=2,
    nature=Nature.DISCREPANCY,
    severity=3,
    cites="the holder, which declared the loss and still answers for the chip",
    due=timedelta(days=14),
    title="Chip declared lost or stolen",
    next_step="Explain the loss; a chip that is found again is recovered by statement. Only a regulator closes this.",
    clears=False,
    # Losses count by when they were declared: dating them back would make a run of them look old, and one that follows
    # a decided one look decided.
    # Whoever declared it cannot take it back: a chip that is found again is found, and a regulator says so.
    query="""
        SELECT 'chip:' || maker.handle || '/' || chip.serial AS subject,
               CASE WHEN loss.kind = 'stolen' OR (loss.is_recent AND loss.recent > %(many_lost)s)
                    THEN 4 ELSE 3 END AS severity,
               loss.organisation_id,
               NULL::bigint AS counterparty_id,
               loss.site_id,
               loss.chip_id,
               NULL::bigint AS transfer_id,
               NULL::bigint AS policy_id,
               loss.declared_at AS began_at,
               jsonb_build_object('account', loss.kind, 'since', loss.since,
                                  'lost_in_ninety_days', loss.recent) AS arithmetic,
               '{}'::jsonb AS confidential
        FROM (
            SELECT holding.chip_id, account.kind, account.organisation_id, account.site_id, holding.since,
                   movement.recorded_at AS declared_at,
                   movement.recorded_at > %(now)s - interval '90 days' AS is_recent,
                   count(*) FILTER (WHERE movement.recorded_at > %(now)s - interval '90 days')
                       OVER (PARTITION BY account.organisation_id) AS recent
            FROM tracking_account account
            JOIN tracking_holding holding ON holding.account_id = account.id
            JOIN tracking_movement movement ON movement.id = holding.movement_id
            WHERE account.kind IN ('lost', 'stolen')
        ) loss
        JOIN registry_chip chip ON chip.id = loss.chip_id
        JOIN ledger_signer maker ON maker.id = chip.maker_id
    """,
)
