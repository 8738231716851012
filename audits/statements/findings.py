"""`finding.explained` and `finding.decided`. Sweeps make findings, not the log, so replay leaves them alone."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from audits import queries
from audits.actions.findings import decide_finding, explain_finding
from audits.models import Finding
from audits.rules.statements import check_is_open
from chipledger.statements.audits import FindingDecided, FindingExplained
from ledger import attachments
from ledger.handlers import Filing, Handler, Verdict, handles
from registry.models import Organisation


@handles("finding.explained")
class Explained(Handler[FindingExplained]):
    """The cited organisation explains; a bystander does not learn that the finding exists."""

    rebuilds: ClassVar[bool] = False

    def judge(self, filing: Filing[FindingExplained]) -> Verdict:
        uid = filing.body.finding
        finding = queries.lock_finding(queries.findings_citing(filing.signer.pk), uid)
        verdict = _about(check_is_open(finding, uid=uid))
        attachments.check_kept(filing.signer, filing.body.attached())
        return verdict

    def apply(self, filing: Filing[FindingExplained], verdict: Verdict) -> None:
        explain_finding(
            UUID(filing.body.finding), root_cause=filing.body.root_cause, by=filing.booked, at=filing.at
        )
        attachments.attach(filing.signer, filing.body.attached(), to=filing.booked)


@handles("finding.decided")
class Decided(Handler[FindingDecided]):
    """A regulator decides a finding that touches its countries."""

    rebuilds: ClassVar[bool] = False

    def judge(self, filing: Filing[FindingDecided]) -> Verdict:
        uid = filing.body.finding
        regulator = Organisation.objects.get(pk=filing.signer.pk)
        finding = queries.lock_finding(queries.findings_touching(regulator.countries), uid)
        return _about(check_is_open(finding, uid=uid))

    def apply(self, filing: Filing[FindingDecided], verdict: Verdict) -> None:
        decide_finding(
            UUID(filing.body.finding), decision=filing.body.decision, by=filing.booked, at=filing.at
        )


def _about(finding: Finding) -> Verdict:
    return {"rule": finding.rule, "subject": finding.subject, "severity": finding.severity}
