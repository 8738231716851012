-- Chips that freshly prove to be at a site of somebody who does not hold them and is not about to.
SELECT count(*) FROM attestations_sighting seen
JOIN tracking_holding holding ON holding.chip_id = seen.chip_id
JOIN tracking_account account ON account.id = holding.account_id
JOIN registry_site place ON place.id = seen.site_id
LEFT JOIN tracking_transfer transfer ON transfer.id = holding.transfer_id
WHERE (place.organisation_id <> account.organisation_id OR account.kind IN ('lost', 'stolen', 'destroyed', 'exported'))
  AND transfer.consignee_id IS DISTINCT FROM place.organisation_id
  AND seen.identity >= 4 AND seen.seen_at > %(fresh_since)s AND seen.seen_at > holding.since
  AND seen.present_since < %(disagreeing_since)s AND holding.since < %(disagreeing_since)s
