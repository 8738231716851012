"""Putting policies in force."""

from __future__ import annotations

from audits.models import Policy
from chipledger.statements.audits import PolicyPublished
from ledger.models import Statement
from registry.models import Organisation


def publish_policy(body: PolicyPublished, *, by: Organisation, statement: Statement) -> Policy:
    """Write a policy's version down; it holds from its day on, in place of the version before it."""
    lines = {threshold.measure: threshold.above for threshold in body.thresholds}
    return Policy.objects.create(
        code=body.code,
        title=body.title,
        source=body.source,
        regulator=by,
        countries=sorted(set(body.countries)),
        grouping=body.grouping,
        networked_above_mbit_s=body.networked_above_mbit_s,
        above_tpp=lines.get("tpp"),
        above_fp16_gflops=lines.get("fp16_gflops"),
        above_memory_mb=lines.get("memory_mb"),
        effective_from=body.effective_from,
        effective_until=body.effective_until,
        statement=statement,
    )
