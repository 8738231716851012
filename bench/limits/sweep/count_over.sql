-- Chips that the newest count of a site found, and that the book does not have there.
SELECT count(*)
FROM (SELECT DISTINCT ON (site_id) id, site_id FROM tracking_stockcount ORDER BY site_id, counted_at DESC) newest
JOIN tracking_stockdifference difference ON difference.count_id = newest.id AND difference.kind = 'unexpected'
LEFT JOIN ledger_signer maker ON maker.handle = split_part(difference.name, '/', 1)
LEFT JOIN registry_chip chip
  ON chip.maker_id = maker.id AND chip.serial = split_part(difference.name, '/', 2)
LEFT JOIN tracking_holding holding ON holding.chip_id = chip.id
LEFT JOIN tracking_account account ON account.id = holding.account_id
WHERE account.id IS NULL OR account.kind NOT IN ('on_hand', 'retired') OR account.site_id <> newest.site_id
