"""The rule about clusters above a policy's line, as the sweep has just measured them."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from audits.models import Nature
from audits.rules.rule import Rule

THRESHOLD_EXCEEDED: Final = Rule(
    code="threshold_exceeded",
    version=1,
    nature=Nature.ANOMALY,
    severity=2,
    cites="the operator of the site, or the beneficial owner",
    due=timedelta(days=30),
    title="Cluster above a threshold",
    next_step="Register the cluster with the authority, or take it below the line.",
    # A cluster that stands openly at sites whose declared slots hold it is a fact to know (2). It is grave (4) when
    # only the sum is above the line and no site alone (splitting below a threshold), or when there are more chips than
    # the sites were declared for.
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
                                  'chips', cluster.chips, 'members', cluster.member_count,
                                  'tpp', cluster.tpp, 'above_tpp', policy.above_tpp,
                                  'fp16_gflops', cluster.fp16_gflops, 'above_fp16_gflops', policy.above_fp16_gflops,
                                  'memory_mb', cluster.memory_mb, 'above_memory_mb', policy.above_memory_mb,
                                  'one_is_enough', cluster.one_is_enough,
                                  'is_declared', cluster.is_declared) AS arithmetic,
               jsonb_build_object('members', to_jsonb(cluster.members)) AS confidential
        FROM audits_cluster cluster
        JOIN audits_policy policy ON policy.id = cluster.policy_id
        WHERE cluster.is_above
    """,
)
