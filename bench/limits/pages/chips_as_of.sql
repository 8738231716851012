WITH touching AS (
    SELECT account.id FROM tracking_account account
    JOIN registry_site site ON site.id = account.site_id
    JOIN registry_organisation organisation ON organisation.signer_id = account.organisation_id
    WHERE site.country = ANY (%(countries)s::text[]) OR organisation.countries && %(countries)s::varchar[]
), shown AS (
    SELECT chip.id, chip.serial, chip.maker_id, chip.model_id, last.target_id, last.at, last.statement_id
    FROM registry_chip chip
    CROSS JOIN LATERAL (
        SELECT movement.target_id, movement.transfer_id, movement.statement_id,
               coalesce(corrected.effective_at, movement.effective_at) AS at
        FROM tracking_movementline line
        JOIN tracking_movement movement ON movement.id = line.movement_id
        LEFT JOIN LATERAL (
            SELECT correction.effective_at FROM tracking_correction correction
            WHERE correction.original_id = movement.statement_id ORDER BY correction.id DESC LIMIT 1
        ) corrected ON true
        WHERE line.chip_id = chip.id AND coalesce(corrected.effective_at, movement.effective_at) < %(until)s
        ORDER BY line.movement_id DESC LIMIT 1
    ) last
    WHERE last.target_id IN (SELECT id FROM touching) OR EXISTS (
        SELECT FROM tracking_account account JOIN tracking_transfer transfer ON transfer.id = last.transfer_id
        JOIN registry_site site ON site.id = transfer.to_site_id
        JOIN registry_organisation consignee ON consignee.signer_id = transfer.consignee_id
        WHERE account.id = last.target_id AND account.kind = 'in_transit'
          AND (site.country = ANY (%(countries)s::text[]) OR consignee.countries && %(countries)s::varchar[]))
    ORDER BY chip.id LIMIT 51
)
SELECT maker.handle, shown.serial, model.name, account.kind, holder.name, holder_signer.handle, site.code, shown.at,
       statement.digest
FROM shown
JOIN ledger_signer maker ON maker.id = shown.maker_id
JOIN registry_chipmodel model ON model.id = shown.model_id
JOIN tracking_account account ON account.id = shown.target_id
JOIN registry_organisation holder ON holder.signer_id = account.organisation_id
JOIN ledger_signer holder_signer ON holder_signer.id = holder.signer_id
JOIN registry_site site ON site.id = account.site_id
JOIN ledger_statement statement ON statement.id = shown.statement_id
ORDER BY shown.id
