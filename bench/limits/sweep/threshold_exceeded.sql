-- Clusters above a line, as they were just measured.
SELECT count(*) FROM audits_cluster WHERE is_above
