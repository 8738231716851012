-- Chips that the newest count of their site missed, still on the book there, and not proved to be there since.
SELECT count(*)
FROM (SELECT DISTINCT ON (site_id) id, site_id, counted_at FROM tracking_stockcount
      ORDER BY site_id, counted_at DESC) newest
JOIN tracking_stockdifference difference ON difference.count_id = newest.id AND difference.kind = 'missing'
JOIN tracking_holding holding ON holding.chip_id = difference.chip_id
JOIN tracking_account account ON account.id = holding.account_id
 AND account.kind IN ('on_hand', 'retired') AND account.site_id = newest.site_id
WHERE NOT EXISTS (
    SELECT FROM attestations_sighting seen
    WHERE seen.chip_id = difference.chip_id AND seen.site_id = newest.site_id
      AND seen.identity >= 4 AND seen.seen_at > newest.counted_at)
