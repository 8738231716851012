"""`policy.published`: a regulator puts a line in force. Policies belong to the book, so that replay rebuilds them."""

from __future__ import annotations

from audits.actions.policies import publish_policy
from audits.models import Policy
from audits.rules.statements import check_may_publish
from chipledger.statements.audits import PolicyPublished
from ledger.book import keep
from ledger.handlers import Filing, Handler, Verdict, handles
from registry.models import Organisation
from registry.queries.lookups import hold_names


@handles("policy.published")
class Published(Handler[PolicyPublished]):
    """A policy, or a new version of one."""

    def judge(self, filing: Filing[PolicyPublished]) -> Verdict:
        hold_names("policy", [filing.body.code])
        regulator = Organisation.objects.get(pk=filing.signer.pk)
        versions = list(Policy.objects.filter(code=filing.body.code))
        check_may_publish(filing.body, by=regulator, versions=versions)
        return {}

    def apply(self, filing: Filing[PolicyPublished], verdict: Verdict) -> None:
        publish_policy(filing.body, by=Organisation.objects.get(pk=filing.signer.pk), statement=filing.booked)


keep(
    Policy,
    """SELECT policy.code, policy.title, policy.source, regulator.handle AS regulator, policy.countries,
              policy.grouping, policy.networked_above_mbit_s, policy.above_tpp,
              policy.above_fp16_gflops, policy.above_memory_mb, policy.effective_from,
              policy.effective_until, policy.statement_id
       FROM audits_policy policy JOIN ledger_signer regulator ON regulator.id = policy.regulator_id""",
)
