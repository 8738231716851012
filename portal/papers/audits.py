"""Words for statements of the silicon and of those who audit."""

from __future__ import annotations

from chipledger.statements.attestations import EvidenceCollected, OutageDeclared
from chipledger.statements.audits import FindingDecided, FindingExplained, PolicyPublished
from chipledger.statements.common import Statement
from web.components import Fact, FactKind
from web.durations import stamp


def describe_audit(body: Statement, who: str) -> tuple[str, str, list[Fact]]:
    """Title, sentence and facts; of a kind that has no words, its name alone."""
    match body:
        case EvidenceCollected():
            number = len(body.items)
            return (
                f"Evidence of {number:,} chip{'' if number == 1 else 's'} at {body.site}",
                f"The gateway of {who} collected what {number:,} chips at {body.site} signed themselves.",
                [Fact("Site", body.site), Fact("Items", number, kind=FactKind.NUMBER)],
            )
        case OutageDeclared():
            return (
                f"Outage at {body.site}",
                f"{who} declares that {body.site} is silent; it explains and proves nothing.",
                [
                    Fact("From", stamp(body.begins_at)),
                    Fact("Until", stamp(body.ends_at)),
                    Fact("Reason", body.reason),
                ],
            )
        case PolicyPublished():
            lines = ", ".join(f"{each.measure} above {each.above:,}" for each in body.thresholds)
            return (
                f"Policy {body.title}",
                f"{who} puts a policy in force that watches clusters by {body.grouping}: {lines}.",
                [
                    Fact("Source", body.source),
                    Fact("From", stamp(body.effective_from)),
                    Fact("Countries", ", ".join(body.countries) or "all"),
                ],
            )
        case FindingExplained():
            return (
                "Explanation of a finding",
                f"{who} explains the finding {body.finding[:8]}…: {body.root_cause.replace('_', ' ')}.",
                [
                    Fact("Finding", body.finding, kind=FactKind.DIGEST),
                    *([Fact("Words", body.text_sha256, kind=FactKind.DIGEST)] if body.text_sha256 else []),
                    *(Fact("Attachment", digest, kind=FactKind.DIGEST) for digest in body.attachments),
                ],
            )
        case FindingDecided():
            return (
                f"Decision on a finding: {body.decision.replace('_', ' ')}",
                f"{who} decides the finding {body.finding[:8]}…: {body.decision.replace('_', ' ')}.",
                [Fact("Finding", body.finding, kind=FactKind.DIGEST), Fact("Reason", body.reason)],
            )
    return body.kind, f"{who} files {body.kind}.", []
