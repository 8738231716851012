"""The rule about chips that owe evidence and are silent."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from audits.models import Nature
from audits.rules.rule import Rule

STALE_ATTESTATION: Final = Rule(
    code="stale_attestation",
    version=2,
    nature=Nature.ANOMALY,
    severity=2,
    cites="the holder, at whose site the chip is silent",
    due=timedelta(days=7),
    title="Chip is silent",
    next_step="Let the chip attest, or say what became of it: removed, lost, retired.",
    # Only the hardware grade ends a silence. For a chip in service the clock starts at its last evidence, or at its
    # installation when it has proved nothing to this holder yet. It runs on through storage: taking a chip out and
    # putting it back does not wind it back. An installation has one and a half cadences all the same, unless the chip
    # proved nothing between the two times that it was last taken out (`has_time`). A stored chip that once ran owes
    # evidence at the longer cadence of stored chips; one that never ran owes none. Declared outages of its site stop
    # the clock, at most for the longest pause. A chip without a key cannot prove anything: it stays below what calls
    # for an inspection. For decided findings a silence begins no earlier than the book last moved the chip: the other
    # instants are the holder's own word.
    query="""
        WITH silent AS (
            SELECT holding.chip_id, holding.movement_id, account.organisation_id, account.site_id, seen.seen_at,
                   holding.installed_at IS NULL AS is_stored,
                   CASE WHEN seen.seen_at > holding.since THEN seen.seen_at
                        WHEN holding.taken_out_before IS NULL THEN greatest(holding.installed_at, holding.since)
                        ELSE holding.since END AS since
            FROM tracking_holding holding
            JOIN tracking_account account ON account.id = holding.account_id AND account.kind = 'on_hand'
            LEFT JOIN attestations_sighting seen ON seen.chip_id = holding.chip_id AND seen.identity = 5
            CROSS JOIN LATERAL (
                SELECT holding.installed_at >= %(now)s - 1.5 * %(cadence)s
                       AND (holding.taken_out_before IS NULL
                            OR coalesce(seen.seen_at > holding.taken_out_before, false)) AS has_time
            ) fresh
            WHERE (holding.installed_at IS NOT NULL AND NOT fresh.has_time
                   AND (seen.seen_at IS NULL OR seen.seen_at < %(now)s - 1.5 * %(cadence)s))
               OR (holding.installed_at IS NULL AND seen.seen_at < %(now)s - 1.5 * %(stored_cadence)s)
        ),
        counted AS (
            SELECT silent.*,
                   CASE WHEN is_stored THEN %(stored_cadence)s ELSE %(cadence)s END AS cadence,
                   %(now)s - silent.since - paused.time AS silence,
                   paused.time AS paused
            FROM silent
            CROSS JOIN LATERAL (
                SELECT least(coalesce(sum(upper(span) - lower(span)), interval '0'), %(longest_pause)s) AS time
                FROM (
                    SELECT unnest(range_agg(tstzrange(
                        greatest(outage.begins_at, silent.since), least(outage.ends_at, %(now)s)))) AS span
                    FROM attestations_outage outage
                    WHERE outage.site_id = silent.site_id AND outage.begins_at < outage.ends_at
                      AND outage.begins_at < %(now)s AND outage.ends_at > silent.since
                ) spans
            ) paused
            WHERE silent.since < %(now)s
        )
        SELECT 'chip:' || maker.handle || '/' || chip.serial AS subject,
               least(CASE WHEN silence > 5 * cadence THEN 4
                          WHEN silence > 3 * cadence THEN 3
                          ELSE 2 END,
                     CASE WHEN chip.device_key IS NULL THEN 3 ELSE 4 END) AS severity,
               counted.organisation_id,
               NULL::bigint AS counterparty_id,
               counted.site_id,
               counted.chip_id,
               NULL::bigint AS transfer_id,
               NULL::bigint AS policy_id,
               greatest(counted.since, movement.recorded_at) AS began_at,
               jsonb_build_object('last_seen_at', counted.seen_at, 'silent_since', counted.since,
                                  'is_stored', is_stored, 'has_key', chip.device_key IS NOT NULL,
                                  'cadence_hours', extract(epoch FROM cadence) / 3600,
                                  'paused_hours', round(extract(epoch FROM paused) / 3600),
                                  'silent_hours', round(extract(epoch FROM silence) / 3600)) AS arithmetic,
               '{}'::jsonb AS confidential
        FROM counted
        JOIN tracking_movement movement ON movement.id = counted.movement_id
        JOIN registry_chip chip ON chip.id = counted.chip_id
        JOIN ledger_signer maker ON maker.id = chip.maker_id
        WHERE silence > 1.5 * cadence
    """,
)
