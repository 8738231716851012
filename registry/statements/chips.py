"""Makers commission chips: they exist from here on. Where they are is booked by a follower in the book's room."""

from __future__ import annotations

from typing import cast

from chipledger.statements.common import Statement as Body
from chipledger.statements.registry import ChipsCommissioned
from ledger import manifests
from ledger.book import keep
from ledger.handlers import Filing, Handler, Verdict, handles
from registry.actions.chips import check_new_chips, insert_chips
from registry.models import Chip
from registry.queries import lookups


@handles("chips.commissioned")
class Commissioned(Handler[ChipsCommissioned]):
    """A maker registers the chips of a manifest at one of its own sites; they are left in ``new_chips``."""

    def stage(self, filing: Filing[ChipsCommissioned]) -> None:
        manifests.stage(cast("Filing[Body]", filing))

    def judge(self, filing: Filing[ChipsCommissioned]) -> Verdict:
        lookups.own_site(filing.signer, filing.body.site)
        check_new_chips(filing, lookups.known_maker(filing.signer.handle))
        return {}

    def apply(self, filing: Filing[ChipsCommissioned], verdict: Verdict) -> None:
        insert_chips(filing, lookups.known_maker(filing.signer.handle))


keep(
    Chip,
    """SELECT maker.handle, serial, model.code, device_key, statement.digest
       FROM registry_chip JOIN ledger_signer maker ON maker.id = registry_chip.maker_id
       JOIN registry_chipmodel model ON model.id = model_id
       JOIN ledger_statement statement ON statement.id = registry_chip.statement_id""",
)
