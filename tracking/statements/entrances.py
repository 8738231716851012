"""How chips enter the book: commissioned by their maker, or opened by a holder who had them on day one."""

from __future__ import annotations

from typing import cast

from chipledger.statements.common import Statement as Body
from chipledger.statements.registry import ChipsCommissioned
from chipledger.statements.tracking import StockOpened
from ledger import manifests
from ledger.handlers import Filing, Handler, Verdict, follows, handles
from registry.actions.chips import check_new_chips, insert_chips
from registry.models import Site
from registry.queries.lookups import known_maker
from tracking.actions.movements import Place, enter
from tracking.models import AccountKind, MovementKind
from tracking.rules.dispatches import check_own_site


@follows("chips.commissioned")
def book_commissioned(filing: Filing[ChipsCommissioned]) -> None:
    """What a maker registers is on its hand, at the site that the statement names."""
    site = Site.objects.get(code=filing.body.site)
    to = Place(AccountKind.ON_HAND, filing.signer.pk, site.pk)
    enter(filing, MovementKind.COMMISSIONED, to=to, effective_at=filing.at)


@handles("stock.opened")
class Opened(Handler[StockOpened]):
    """Chips of any maker that were in the field before the book began."""

    def stage(self, filing: Filing[StockOpened]) -> None:
        manifests.stage(cast("Filing[Body]", filing))

    def judge(self, filing: Filing[StockOpened]) -> Verdict:
        code = filing.body.site
        check_own_site(Site.objects.filter(code=code).first(), by=filing.signer.pk, field="site", code=code)
        check_new_chips(filing, known_maker(filing.body.maker))
        return {}

    def apply(self, filing: Filing[StockOpened], verdict: Verdict) -> None:
        insert_chips(filing, known_maker(filing.body.maker))
        site = Site.objects.get(code=filing.body.site)
        to = Place(AccountKind.ON_HAND, filing.signer.pk, site.pk)
        enter(filing, MovementKind.OPENED, to=to, effective_at=filing.at)
