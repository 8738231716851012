"""Measuring clusters: how much stands at each site, at sites linked as one, and under each beneficial owner."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import connection

from audits.queries import AT_A_SITE, COUNTED, newest_size
from registry.queries.owners import beneficial_groups

# Chips are counted once, by account and model, into a temporary table, which PostgreSQL fills in parallel; the pages
# about clusters read the same count.
_COUNT: Final = """
CREATE TEMP TABLE stock ON COMMIT DROP AS
SELECT account_id, model_id, count(*) AS chips FROM tracking_holding GROUP BY account_id, model_id
"""

_KEEP: Final = """
INSERT INTO audits_stock (account_id, model_id, chips, measured_at)
SELECT account_id, model_id, chips, %(now)s FROM stock
ON CONFLICT (account_id, model_id) DO UPDATE SET chips = excluded.chips, measured_at = excluded.measured_at
"""

# A chip counts for its last holder until its destruction is certified: lost, stolen, retired and in transit included.
# At a site count those that are there, and those that were last. Sites linked faster than the policy's line are one
# cluster: the smallest site number that a site can reach stands for all of them; walks begin only at sites without a
# smaller neighbour, of which each group of linked sites has few. A link between two organisations counts when both have
# declared it: nobody joins a stranger's cluster by its own word. Whether one is enough is asked of each site alone.
_MEASURE: Final = """
WITH RECURSIVE newest AS (
    SELECT DISTINCT ON (code) * FROM audits_policy WHERE effective_from <= %(now)s ORDER BY code, effective_from DESC
), policy AS (
    SELECT * FROM newest WHERE effective_until IS NULL OR effective_until > %(now)s
), held AS MATERIALIZED (
    SELECT account.site_id, account.organisation_id,
           account.kind = ANY (%(at_a_site)s) AS is_at_site,
           sum(stock.chips) AS chips,
           sum(stock.chips) FILTER (WHERE account.kind = 'on_hand') AS standing,
           sum(stock.chips * model.tpp) AS tpp,
           sum(stock.chips * model.fp16_gflops) AS fp16_gflops,
           sum(stock.chips * model.counted_memory_mb) AS memory_mb
    FROM stock
    JOIN tracking_account account ON account.id = stock.account_id
    JOIN registry_chipmodel model ON model.id = stock.model_id
    WHERE account.kind = ANY (%(counted)s)
    GROUP BY account.site_id, account.organisation_id, is_at_site
), declared (policy_id, site_id, other_id, is_within) AS (
    SELECT policy.id, link.site_id, link.other_id, here.organisation_id = there.organisation_id
    FROM policy JOIN registry_networklink link ON link.mbit_s > policy.networked_above_mbit_s
    JOIN registry_site here ON here.id = link.site_id
    JOIN registry_site there ON there.id = link.other_id
    WHERE policy.grouping = 'site'
), link (policy_id, site_id, other_id) AS (
    SELECT policy_id, site_id, other_id FROM declared WHERE is_within
    UNION
    SELECT policy_id, other_id, site_id FROM declared WHERE is_within
    UNION
    (SELECT policy_id, site_id, other_id FROM declared INTERSECT SELECT policy_id, other_id, site_id FROM declared)
), reached (policy_id, start_id, site_id) AS (
    SELECT policy_id, site_id, site_id FROM link GROUP BY policy_id, site_id HAVING min(other_id) > site_id
    UNION
    SELECT link.policy_id, reached.start_id, link.other_id
    FROM reached JOIN link ON link.policy_id = reached.policy_id AND link.site_id = reached.site_id
), network AS (
    SELECT policy_id, site_id, min(start_id) AS group_id FROM reached GROUP BY policy_id, site_id
), standing AS (
    SELECT policy.id AS policy_id, policy.grouping, held.organisation_id, site.id AS site_id, site.code, site.country,
           site.organisation_id AS operator_id,
           coalesce(sum(standing), 0) <= site.slots AS has_room,
           coalesce(sum(tpp) > policy.above_tpp, false)
           OR coalesce(sum(fp16_gflops) > policy.above_fp16_gflops, false)
           OR coalesce(sum(memory_mb) > policy.above_memory_mb, false) AS is_enough,
           sum(chips) AS chips, sum(tpp) AS tpp, sum(fp16_gflops) AS fp16_gflops, sum(memory_mb) AS memory_mb
    FROM policy
    JOIN held ON held.is_at_site OR policy.grouping = 'owner'
    JOIN registry_site site ON site.id = held.site_id
    WHERE policy.countries = '{}' OR site.country = ANY (policy.countries)
    GROUP BY policy.id, policy.grouping, policy.above_tpp, policy.above_fp16_gflops, policy.above_memory_mb,
             held.organisation_id, site.id
), member AS (
    SELECT standing.policy_id, coalesce(network.group_id, standing.site_id) AS group_id,
           standing.site_id AS member_id, code AS member, operator_id, country, has_room, is_enough,
           chips, tpp, fp16_gflops, memory_mb
    FROM standing
    LEFT JOIN network ON network.policy_id = standing.policy_id AND network.site_id = standing.site_id
    WHERE grouping = 'site'
    UNION ALL
    SELECT policy_id, coalesce(party.owner_id, organisation_id), organisation_id, signer.handle, NULL, country,
           has_room, is_enough, chips, tpp, fp16_gflops, memory_mb
    FROM standing
    JOIN ledger_signer signer ON signer.id = standing.organisation_id
    LEFT JOIN unnest(%(owners)s::bigint[], %(members)s::bigint[]) AS party (owner_id, member_id)
           ON party.member_id = standing.organisation_id
    WHERE grouping = 'owner'
), party AS (
    SELECT policy_id, group_id, member_id, member, min(operator_id) AS operator_id,
           bool_and(has_room) AS has_room, bool_or(is_enough) AS is_enough,
           sum(chips) AS chips, sum(tpp) AS tpp, sum(fp16_gflops) AS fp16_gflops, sum(memory_mb) AS memory_mb
    FROM member GROUP BY policy_id, group_id, member_id, member
), cluster AS (
    SELECT policy_id, group_id, min(member COLLATE "C") AS first_member,
           (array_agg(member ORDER BY tpp DESC, member))[1:50] AS members,
           (array_agg(member_id ORDER BY tpp DESC, member))[1] AS strongest_id, count(*) AS member_count,
           count(DISTINCT operator_id) > 1 AS is_shared,
           sum(chips) AS chips, sum(tpp) AS tpp, sum(fp16_gflops) AS fp16_gflops, sum(memory_mb) AS memory_mb,
           bool_or(is_enough) AS one_is_enough, bool_and(has_room) AS is_declared
    FROM party GROUP BY policy_id, group_id
), place AS (
    SELECT policy_id, group_id, array_agg(DISTINCT country ORDER BY country) AS countries
    FROM member GROUP BY policy_id, group_id
), measured AS (
    SELECT cluster.*, place.countries,
           CASE policy.grouping WHEN 'site' THEN cluster.first_member ELSE owner.handle END AS key,
           CASE policy.grouping WHEN 'site' THEN site.organisation_id ELSE owner.id END AS organisation_id,
           site.id AS site_id,
           coalesce(cluster.tpp > policy.above_tpp, false)
           OR coalesce(cluster.fp16_gflops > policy.above_fp16_gflops, false)
           OR coalesce(cluster.memory_mb > policy.above_memory_mb, false) AS is_above
    FROM cluster
    JOIN place USING (policy_id, group_id)
    JOIN policy ON policy.id = cluster.policy_id
    LEFT JOIN registry_site site ON policy.grouping = 'site' AND site.id = cluster.strongest_id
    LEFT JOIN ledger_signer owner ON policy.grouping = 'owner' AND owner.id = cluster.group_id
)
INSERT INTO audits_cluster (policy_id, key, organisation_id, site_id, countries, members, member_count, is_shared,
                            chips, tpp, fp16_gflops, memory_mb, is_above, one_is_enough, is_declared, measured_at)
SELECT policy_id, key, organisation_id, site_id, countries, members, member_count, is_shared, chips, tpp, fp16_gflops,
       memory_mb, is_above, one_is_enough, is_declared, %(now)s
FROM measured
ON CONFLICT (policy_id, key) DO UPDATE SET
    organisation_id = excluded.organisation_id, site_id = excluded.site_id, countries = excluded.countries,
    members = excluded.members, member_count = excluded.member_count, is_shared = excluded.is_shared,
    chips = excluded.chips, tpp = excluded.tpp, fp16_gflops = excluded.fp16_gflops, memory_mb = excluded.memory_mb,
    is_above = excluded.is_above, one_is_enough = excluded.one_is_enough, is_declared = excluded.is_declared,
    measured_at = excluded.measured_at
"""


def measure_clusters(*, at: datetime) -> dict[str, int]:
    """Count every cluster for every policy in force, and forget those that are no more; how many stand, and above."""
    party = [
        (group.owner_id, member) for group in beneficial_groups(on=at.date()) for member in group.members
    ]
    owners, members = [owner for owner, _ in party], [member for _, member in party]
    at_a_site, counted = [str(kind) for kind in AT_A_SITE], [str(kind) for kind in COUNTED]
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.stock")
        cursor.execute(_COUNT)
        cursor.execute(_KEEP, {"now": at})
        cursor.execute("DELETE FROM audits_stock WHERE measured_at < %s", [at])
        cursor.execute(
            _MEASURE,
            {"now": at, "owners": owners, "members": members, "at_a_site": at_a_site, "counted": counted},
        )
        cursor.execute("DELETE FROM audits_cluster WHERE measured_at < %s", [at])
        cursor.execute("SELECT count(*), count(*) FILTER (WHERE is_above) FROM audits_cluster")
        measured, above = cursor.fetchone()
    return {"measured": measured, "above": above, "checkpoint": newest_size()}
