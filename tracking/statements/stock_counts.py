"""Handler of a count: what a holder found at one of its sites, compared with the book. Nothing moves."""

from __future__ import annotations

from typing import cast

from chipledger.statements.common import Statement as Body
from chipledger.statements.tracking import StockCounted
from ledger import manifests
from ledger.handlers import Filing, Handler, Verdict, handles
from registry.models import Site
from tracking.actions.stock_counts import hold_site, record_count
from tracking.queries.stock_counts import last_counted
from tracking.rules.dispatches import check_happened, check_own_site
from tracking.rules.stock_counts import check_goes_on, check_is_fresh


@handles("stock.counted")
class Counted(Handler[StockCounted]):
    """The chips found are compared by name with those that the book had at the site when they were counted."""

    def stage(self, filing: Filing[StockCounted]) -> None:
        manifests.stage(cast("Filing[Body]", filing))

    def judge(self, filing: Filing[StockCounted]) -> Verdict:
        body = filing.body
        own = hold_site(body.site, by=filing.signer.pk)
        site = check_own_site(own, by=filing.signer.pk, field="site", code=body.site)
        check_happened(body.counted_at, field="counted_at", at=filing.at)
        check_is_fresh(body.counted_at, at=filing.at)
        check_goes_on(body.counted_at, newest=last_counted(site))
        return {}

    def apply(self, filing: Filing[StockCounted], verdict: Verdict) -> None:
        record_count(filing, Site.objects.get(code=filing.body.site))
