"""Whether a policy may be published, and whether a finding may be explained or decided by whoever signs."""

from __future__ import annotations

from audits.models import Finding, Policy
from chipledger.refusals import Refused
from chipledger.statements.audits import PolicyPublished
from registry.models import Organisation


def check_may_publish(body: PolicyPublished, *, by: Organisation, versions: list[Policy]) -> None:
    """Refuse a policy outside the regulator's countries, under somebody else's code, or that contradicts itself."""
    foreign = sorted(set(body.countries) - set(by.countries))
    if foreign:
        raise Refused(
            "not_your_country",
            "A regulator sets policies for its own countries; leave this one out.",
            field="countries",
            value=foreign[0],
            status=403,
        )
    if len({threshold.measure for threshold in body.thresholds}) != len(body.thresholds):
        raise Refused(
            "measure_twice", "A policy has one line for each measure; name each once.", field="thresholds"
        )
    if body.effective_until is not None and body.effective_until <= body.effective_from:
        raise Refused(
            "ends_before_it_begins",
            "A policy ends after it begins; name a later end.",
            field="effective_until",
        )
    if any(version.regulator_id != by.pk for version in versions):
        raise Refused(
            "not_your_policy",
            "Another regulator publishes the policy of this code; choose another code.",
            field="code",
            value=body.code,
            status=403,
        )
    if any(version.effective_from == body.effective_from for version in versions):
        raise Refused(
            "policy_known",
            "This policy has a version from this day on already; choose another day.",
            field="effective_from",
            status=409,
        )


def check_is_open(finding: Finding | None, *, uid: str) -> Finding:
    """Refuse a finding that does not exist for this signer, or that is closed."""
    if finding is None:
        raise Refused(
            "unknown_finding",
            "There is no such finding for you; see that its identifier is right.",
            field="finding",
            value=uid,
            status=404,
        )
    if finding.closed_at is not None:
        raise Refused(
            "finding_closed",
            "This finding is closed already; see on its page why.",
            field="finding",
            value=uid,
            status=409,
        )
    return finding
