-- Sites, networked sites and owners above 16 H100e or above 1,280 GB. In the measured register an owner has at most
-- one layer of companies below it.
WITH RECURSIVE stock AS (
    SELECT account_id, model_id, count(*) AS chips FROM tracking_holding GROUP BY account_id, model_id
), held AS MATERIALIZED (
    SELECT account.site_id, account.organisation_id, account.kind <> 'in_transit' AS is_at_site,
           sum(chips * model.tpp) AS tpp, sum(chips * model.counted_memory_mb) AS memory_mb
    FROM stock JOIN tracking_account account ON account.id = stock.account_id
    JOIN registry_chipmodel model ON model.id = stock.model_id
    WHERE account.kind <> 'destroyed' GROUP BY account.site_id, account.organisation_id, is_at_site
), link AS (
    SELECT site_id, other_id FROM registry_networklink WHERE mbit_s > 25000
    UNION SELECT other_id, site_id FROM registry_networklink WHERE mbit_s > 25000
), reached AS (
    SELECT site_id AS start_id, site_id FROM link
    UNION SELECT reached.start_id, link.other_id FROM reached JOIN link ON link.site_id = reached.site_id
), network AS (
    SELECT site_id, min(start_id) AS group_id FROM reached GROUP BY site_id
), at_sites AS (
    SELECT sum(tpp) AS tpp, sum(memory_mb) AS memory_mb FROM held LEFT JOIN network USING (site_id)
    WHERE is_at_site GROUP BY coalesce(network.group_id, held.site_id)
), of_owners AS (
    SELECT sum(tpp) AS tpp, sum(memory_mb) AS memory_mb FROM held
    LEFT JOIN registry_ownership share ON share.organisation_id = held.organisation_id AND share.share_bp >= 5000
    GROUP BY coalesce(share.owner_id, held.organisation_id)
)
SELECT count(*) FILTER (WHERE tpp > 16 * 15840) + count(*) FILTER (WHERE memory_mb > 1280000)
FROM (SELECT * FROM at_sites UNION ALL SELECT * FROM of_owners) counted
