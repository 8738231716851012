-- Chips that freshly prove to be at another site of their holder than the book says.
SELECT count(*) FROM attestations_sighting seen
JOIN tracking_holding holding ON holding.chip_id = seen.chip_id
JOIN tracking_account account ON account.id = holding.account_id AND account.kind = 'on_hand'
JOIN registry_site place ON place.id = seen.site_id AND place.organisation_id = account.organisation_id
WHERE seen.site_id <> account.site_id AND seen.identity >= 4 AND seen.seen_at > %(fresh_since)s
  AND seen.seen_at > holding.since AND seen.present_since < %(disagreeing_since)s
  AND holding.since < %(disagreeing_since)s
