-- Chips whose evidence does not go on from their last, at one site.
SELECT count(DISTINCT chip_id) FROM attestations_conflict
WHERE seen_at > %(now)s - interval '30 days' AND sign IN ('sequence_fork', 'chain_fork') AND site_id = other_site_id
