SELECT transfer.digest, transfer.quantity, transfer.outstanding, transfer.state, transfer.dispatched_at, transfer.due_at,
       transfer.closed_at, sender.name, sender_signer.handle, consignee.name, consignee_signer.handle, from_site.code,
       to_site.code
FROM tracking_transfer transfer
JOIN registry_organisation sender ON sender.signer_id = transfer.sender_id
JOIN ledger_signer sender_signer ON sender_signer.id = sender.signer_id
JOIN registry_organisation consignee ON consignee.signer_id = transfer.consignee_id
JOIN ledger_signer consignee_signer ON consignee_signer.id = consignee.signer_id
JOIN registry_site from_site ON from_site.id = transfer.from_site_id
JOIN registry_site to_site ON to_site.id = transfer.to_site_id
WHERE from_site.country = ANY (%(countries)s::text[]) OR to_site.country = ANY (%(countries)s::text[])
   OR sender.countries && %(countries)s::varchar[] OR consignee.countries && %(countries)s::varchar[]
ORDER BY transfer.id DESC LIMIT 51
