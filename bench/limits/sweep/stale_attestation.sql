-- Chips in service, silent for more than one and a half cadences, declared outages taken off.
SELECT count(*) FROM (
    SELECT holding.chip_id, greatest(holding.installed_at, holding.since, seen.seen_at) AS since, account.site_id
    FROM tracking_holding holding
    JOIN tracking_account account ON account.id = holding.account_id AND account.kind = 'on_hand'
    LEFT JOIN attestations_sighting seen ON seen.chip_id = holding.chip_id AND seen.identity = 5
    WHERE holding.installed_at < %(now)s - 1.5 * %(cadence)s
      AND (seen.seen_at IS NULL OR seen.seen_at < %(now)s - 1.5 * %(cadence)s)
) silent
WHERE %(now)s - since - coalesce((
    SELECT sum(least(ends_at, %(now)s) - greatest(begins_at, silent.since)) FROM attestations_outage outage
    WHERE outage.site_id = silent.site_id AND ends_at > silent.since AND begins_at < %(now)s), interval '0')
    > 1.5 * %(cadence)s
