SELECT finding.uid, finding.rule, finding.severity, finding.subject, finding.state, finding.closing, finding.opened_at,
       finding.due_at, finding.closed_at, cited.name, cited_signer.handle, site.code, maker.handle, chip.serial,
       transfer.digest, policy.code
FROM audits_finding finding
JOIN registry_organisation cited ON cited.signer_id = finding.organisation_id
JOIN ledger_signer cited_signer ON cited_signer.id = cited.signer_id
LEFT JOIN registry_organisation other ON other.signer_id = finding.counterparty_id
LEFT JOIN registry_site site ON site.id = finding.site_id
LEFT JOIN registry_chip chip ON chip.id = finding.chip_id
LEFT JOIN ledger_signer maker ON maker.id = chip.maker_id
LEFT JOIN tracking_transfer transfer ON transfer.id = finding.transfer_id
LEFT JOIN audits_policy policy ON policy.id = finding.policy_id
WHERE site.country = ANY (%(countries)s::text[]) OR cited.countries && %(countries)s::varchar[]
   OR other.countries && %(countries)s::varchar[]
ORDER BY finding.severity DESC, finding.id DESC LIMIT 51
