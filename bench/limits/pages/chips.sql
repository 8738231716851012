WITH touching AS (
    SELECT account.id FROM tracking_account account
    JOIN registry_site site ON site.id = account.site_id
    JOIN registry_organisation organisation ON organisation.signer_id = account.organisation_id
    WHERE site.country = ANY (%(countries)s::text[]) OR organisation.countries && %(countries)s::varchar[]
), shown AS (
    SELECT chip.id, chip.serial, chip.maker_id, chip.model_id FROM registry_chip chip
    WHERE EXISTS (
        SELECT FROM tracking_movementline line JOIN tracking_movement movement ON movement.id = line.movement_id
        WHERE line.chip_id = chip.id
          AND (movement.source_id IN (SELECT id FROM touching) OR movement.target_id IN (SELECT id FROM touching)))
    ORDER BY chip.id LIMIT 51
)
SELECT maker.handle, shown.serial, model.name, account.kind, holder.name, holder_signer.handle, site.code, holding.since,
       holding.installed_at
FROM shown
JOIN ledger_signer maker ON maker.id = shown.maker_id
JOIN registry_chipmodel model ON model.id = shown.model_id
LEFT JOIN tracking_holding holding ON holding.chip_id = shown.id
LEFT JOIN tracking_account account ON account.id = holding.account_id
LEFT JOIN registry_organisation holder ON holder.signer_id = account.organisation_id
LEFT JOIN ledger_signer holder_signer ON holder_signer.id = holder.signer_id
LEFT JOIN registry_site site ON site.id = account.site_id
ORDER BY shown.id
