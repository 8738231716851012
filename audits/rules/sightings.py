"""Rules about chips that prove to be where the book does not have them."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from audits.models import Nature
from audits.rules.rule import Rule

_DISAGREEING: Final = """
    seen.identity >= 4
    AND seen.seen_at > %(fresh_since)s
    AND seen.seen_at > holding.since
    AND seen.present_since < %(disagreeing_since)s
    AND holding.since < %(disagreeing_since)s
"""
"""Strong, fresh evidence given after the book last changed, and both known for longer than the grace."""

LOCATION_MISMATCH: Final = Rule(
    code="location_mismatch",
    version=1,
    nature=Nature.ANOMALY,
    severity=4,
    cites="the holder, whose chip is at another of its sites than it said (Chip Security Act, a)",
    due=timedelta(days=5),
    title="Chip is at another site than the book says",
    next_step="Dispatch it to the site where it is, or bring it back.",
    query=f"""
        SELECT 'chip:' || maker.handle || '/' || chip.serial AS subject,
               4 AS severity,
               account.organisation_id,
               NULL::bigint AS counterparty_id,
               account.site_id,
               chip.id AS chip_id,
               NULL::bigint AS transfer_id,
               NULL::bigint AS policy_id,
               greatest(seen.present_since, holding.since) AS began_at,
               jsonb_build_object('booked_at', booked.code, 'booked_since', holding.since, 'seen_at_site', place.code,
                                  'seen_at', seen.seen_at, 'present_since', seen.present_since,
                                  'identity', seen.identity, 'place', seen.place) AS arithmetic,
               '{{}}'::jsonb AS confidential
        FROM attestations_sighting seen
        JOIN tracking_holding holding ON holding.chip_id = seen.chip_id
        JOIN tracking_account account ON account.id = holding.account_id AND account.kind = 'on_hand'
        JOIN registry_site place ON place.id = seen.site_id AND place.organisation_id = account.organisation_id
        JOIN registry_site booked ON booked.id = account.site_id
        JOIN registry_chip chip ON chip.id = seen.chip_id
        JOIN ledger_signer maker ON maker.id = chip.maker_id
        WHERE seen.site_id <> account.site_id AND {_DISAGREEING}
    """,
)

UNBOOKED_PRESENCE: Final = Rule(
    code="unbooked_presence",
    version=1,
    nature=Nature.ANOMALY,
    severity=4,
    cites="the organisation at whose site the chip attests, though it does not hold it",
    due=timedelta(days=5),
    title="Chip attests where nobody booked it",
    next_step="Say how the chip came here; whoever holds it dispatches it, or takes it back.",
    # A chip under way to the organisation where it attests is contested, not unbooked: its receipt is what is missing.
    # A chip that the book has lost, stolen, destroyed or exported must not attest anywhere, not even at its holder's.
    query=f"""
        SELECT 'chip:' || maker.handle || '/' || chip.serial AS subject,
               4 AS severity,
               place.organisation_id,
               nullif(account.organisation_id, place.organisation_id) AS counterparty_id,
               place.id AS site_id,
               chip.id AS chip_id,
               NULL::bigint AS transfer_id,
               NULL::bigint AS policy_id,
               greatest(seen.present_since, holding.since) AS began_at,
               jsonb_build_object('seen_at_site', place.code, 'seen_at', seen.seen_at,
                                  'present_since', seen.present_since,
                                  'identity', seen.identity, 'place', seen.place) AS arithmetic,
               jsonb_build_object('booked_at', booked.code, 'account', account.kind,
                                  'booked_since', holding.since) AS confidential
        FROM attestations_sighting seen
        JOIN tracking_holding holding ON holding.chip_id = seen.chip_id
        JOIN tracking_account account ON account.id = holding.account_id
        JOIN registry_site place ON place.id = seen.site_id
        JOIN registry_site booked ON booked.id = account.site_id
        JOIN registry_chip chip ON chip.id = seen.chip_id
        JOIN ledger_signer maker ON maker.id = chip.maker_id
        LEFT JOIN tracking_transfer transfer
               ON transfer.id = holding.transfer_id AND transfer.state IN ('dispatched', 'partially_received')
        WHERE (place.organisation_id <> account.organisation_id
               OR account.kind IN ('lost', 'stolen', 'destroyed', 'exported'))
          AND transfer.consignee_id IS DISTINCT FROM place.organisation_id
          AND {_DISAGREEING}
    """,
)


def _against_holders(conflict: str, *, severity: str, arithmetic: str) -> str:
    """One row a chip for contradictions of its evidence, which give ``latest`` and ``sites``; its holder is cited."""
    return f"""
        SELECT 'chip:' || maker.handle || '/' || chip.serial AS subject,
               {severity} AS severity,
               account.organisation_id,
               NULL::bigint AS counterparty_id,
               account.site_id,
               chip.id AS chip_id,
               NULL::bigint AS transfer_id,
               NULL::bigint AS policy_id,
               conflict.latest AS began_at,
               jsonb_build_object({arithmetic}, 'latest', conflict.latest) AS arithmetic,
               jsonb_build_object('sites', conflict.sites) AS confidential
        FROM ({conflict}) conflict
        JOIN tracking_holding holding ON holding.chip_id = conflict.chip_id
        JOIN tracking_account account ON account.id = holding.account_id
        JOIN registry_chip chip ON chip.id = conflict.chip_id
        JOIN ledger_signer maker ON maker.id = chip.maker_id
    """


TWO_PLACES: Final = Rule(
    code="two_places",
    version=1,
    nature=Nature.ANOMALY,
    severity=5,
    cites="the holder of the chip whose evidence came from two places",
    due=timedelta(days=3),
    title="One chip attests in two places",
    next_step="Inspect both places: one of the two is not the chip, or its key has left it.",
    clears=False,
    # Evidence that contradicts other evidence, as it came in; and a label, host or declaration that names a chip at one
    # site while its own key kept proving that it was at another.
    query=_against_holders(
        """
        WITH conflicting AS (
            SELECT chip_id, site_id, other_site_id, seen_at, sign
            FROM attestations_conflict
            WHERE seen_at > %(now)s - interval '30 days' AND (sign = 'two_places' OR site_id <> other_site_id)
            UNION ALL
            SELECT weaker.chip_id, weaker.site_id, proved.site_id, weaker.seen_at, 'weaker_grade_elsewhere'
            FROM attestations_sighting weaker
            JOIN attestations_sighting proved ON proved.chip_id = weaker.chip_id AND proved.identity = 5
            WHERE weaker.identity < 5 AND weaker.site_id <> proved.site_id
              AND weaker.seen_at > %(now)s - interval '30 days'
              AND weaker.seen_at BETWEEN proved.present_since AND proved.seen_at
        )
        SELECT conflicting.chip_id, count(DISTINCT (seen_at, sign)) AS quantity, max(seen_at) AS latest,
               jsonb_agg(DISTINCT sign) AS signs, jsonb_agg(DISTINCT place.code) AS sites
        FROM conflicting
        JOIN registry_site place ON place.id IN (conflicting.site_id, conflicting.other_site_id)
        GROUP BY conflicting.chip_id
        """,
        severity="5",
        arithmetic="'conflicts', conflict.quantity, 'signs', conflict.signs",
    ),
)

TAMPER_SUSPECTED: Final = Rule(
    code="tamper_suspected",
    version=1,
    nature=Nature.ANOMALY,
    severity=3,
    cites="the holder of the chip whose evidence does not go on from its last (Chip Security Act, c)",
    due=timedelta(days=3),
    title="Chip's evidence forks",
    next_step="Inspect the chip: a second copy of its key answers, or its history was rolled back.",
    clears=False,
    # A number given twice is a second history (4). A wrong predecessor alone may be an answer that got lost on its way
    # to the chip (3). Forks between two sites are `two_places`.
    query=_against_holders(
        """
        SELECT fork.chip_id, count(*) AS quantity, max(fork.seen_at) AS latest,
               count(*) FILTER (WHERE fork.sign = 'sequence_fork') AS renumbered,
               jsonb_agg(DISTINCT place.code) AS sites
        FROM attestations_conflict fork
        JOIN registry_site place ON place.id = fork.site_id
        WHERE fork.seen_at > %(now)s - interval '30 days'
          AND fork.sign IN ('sequence_fork', 'chain_fork') AND fork.site_id = fork.other_site_id
        GROUP BY fork.chip_id
        """,
        severity="CASE WHEN conflict.renumbered > 0 THEN 4 ELSE 3 END",
        arithmetic="'forks', conflict.quantity, 'numbers_given_twice', conflict.renumbered",
    ),
)
