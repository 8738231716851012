"""The rule about clusters above a policy's line, as the sweep has just measured them."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from audits.models import Nature
from audits.rules.rule import Rule

THRESHOLD_EXCEEDED: Final = Rule(
    code="threshold_exceeded",
    version=2,
    nature=Nature.ANOMALY,
    severity=2,
    cites="the operator of the site, or the beneficial owner",
    due=timedelta(days=30),
    title="Cluster above a threshold",
    next_step="Register the cluster with the authority, or take it below the line.",
    # A cluster that stands openly at sites whose declared slots hold it is a fact to know (2). It is grave (4) when
    # only the sum is above the line and no site alone (splitting below a threshold), or when there are more chips than
    # the sites were declared for. Whoever is cited for a cluster that it shares with others does not learn their part.
    query="""
        SELECT 'cluster:' || policy.code || ':' || cluster.key AS subject,
               CASE WHEN cluster.one_is_enough AND cluster.is_declared THEN 2 ELSE 4 END AS severity,
               cluster.organisation_id,
               NULL::bigint AS counterparty_id,
               cluster.site_id,
               NULL::bigint AS chip_id,
               NULL::bigint AS transfer_id,
               cluster.policy_id,
               policy.effective_from AS began_at,
               jsonb_build_object('policy', policy.code, 'effective_from', policy.effective_from,
                                  'above_tpp', policy.above_tpp, 'above_fp16_gflops', policy.above_fp16_gflops,
                                  'above_memory_mb', policy.above_memory_mb, 'is_shared', cluster.is_shared)
               || CASE WHEN cluster.is_shared THEN '{}' ELSE measured.sums END AS arithmetic,
               jsonb_build_object('members', to_jsonb(cluster.members))
               || CASE WHEN cluster.is_shared THEN measured.sums ELSE '{}' END AS confidential
        FROM audits_cluster cluster
        JOIN audits_policy policy ON policy.id = cluster.policy_id
        CROSS JOIN LATERAL (
            SELECT jsonb_build_object('chips', cluster.chips, 'member_count', cluster.member_count, 'tpp', cluster.tpp,
                                      'fp16_gflops', cluster.fp16_gflops, 'memory_mb', cluster.memory_mb,
                                      'one_is_enough', cluster.one_is_enough,
                                      'is_declared', cluster.is_declared) AS sums
        ) measured
        WHERE cluster.is_above
    """,
)
