-- Chips in service at each site that no fresh proof of their own places there.
WITH book AS (
    SELECT account.organisation_id, account.site_id, count(*) FILTER (WHERE account.kind = 'on_hand') AS on_hand,
           count(holding.installed_at) FILTER (WHERE account.kind = 'on_hand') AS installed,
           count(*) FILTER (WHERE account.kind = 'in_transit') AS in_transit,
           count(*) FILTER (WHERE account.kind NOT IN ('on_hand', 'in_transit')) AS others
    FROM tracking_holding holding JOIN tracking_account account ON account.id = holding.account_id
    GROUP BY account.organisation_id, account.site_id
), silicon AS (
    SELECT account.organisation_id, account.site_id, count(*) FILTER (WHERE seen.identity = 5) AS hardware,
           count(*) FILTER (WHERE seen.identity < 5) AS weaker
    FROM attestations_sighting seen
    JOIN tracking_holding holding ON holding.chip_id = seen.chip_id
    JOIN tracking_account account ON account.id = holding.account_id AND account.kind = 'on_hand'
    WHERE holding.installed_at IS NOT NULL AND seen.seen_at > %(fresh_since)s AND seen.site_id = account.site_id
    GROUP BY account.organisation_id, account.site_id
)
SELECT sum(installed - coalesce(hardware, 0))::bigint FROM book LEFT JOIN silicon USING (organisation_id, site_id)
