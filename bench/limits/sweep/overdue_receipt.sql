-- Transfers past their deadline with chips that no difference names as missing.
SELECT count(*) FROM tracking_transfer transfer
WHERE state IN ('dispatched', 'partially_received') AND due_at < %(now)s
  AND outstanding > (SELECT count(DISTINCT chip_id) FROM tracking_difference
                     WHERE transfer_id = transfer.id AND settled_at IS NULL AND kind IN ('short', 'swapped'))
