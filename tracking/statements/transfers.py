"""Handlers of a dispatch, and of its voiding."""

from __future__ import annotations

from chipledger.statements.tracking import TransferDispatched, TransferVoided
from ledger.handlers import Filing, Handler, Verdict, handles
from ledger.signing_policies import check_second_person
from registry.models import Organisation, Site
from tracking.actions.custody import lock_own_chips
from tracking.actions.staging import STAGED, count_staged, stage_holdings, weigh
from tracking.actions.transfers import (
    dispatch_staged,
    end_shortages,
    fill_with_all_under_way,
    get_transfer,
    go_on,
    lock_transfer,
    move_within,
)
from tracking.models import AccountKind, TransferState
from tracking.rules import dispatches
from tracking.rules.transitions import Act, check_may, parties_of


@handles("transfer.dispatched")
class Dispatched(Handler[TransferDispatched]):
    """Chips leave a site of the sender; it answers for them until the consignee signs."""

    def stage(self, filing: Filing[TransferDispatched]) -> None:
        stage_holdings(filing)

    def judge(self, filing: Filing[TransferDispatched]) -> Verdict:
        body = filing.body
        dispatches.check_times(body, at=filing.at)
        sites = {site.code: site for site in Site.objects.filter(code__in=[body.from_site, body.to_site])}
        source = dispatches.check_own_site(
            sites.get(body.from_site), by=filing.signer.pk, field="from_site", code=body.from_site
        )
        consignee = dispatches.check_consignee(_find(body.consignee), handle=body.consignee)
        dispatches.check_destination(
            sites.get(body.to_site), consignee=consignee, source=source, code=body.to_site
        )
        if body.carrier is not None:
            dispatches.check_carrier(_find(body.carrier), handle=body.carrier)
        lock_own_chips(filing, kinds=frozenset({AccountKind.ON_HAND}), site=source)
        check_second_person(filing, lambda: weigh(f"SELECT chip_id FROM {STAGED}"))
        return {}

    def apply(self, filing: Filing[TransferDispatched], verdict: Verdict) -> None:
        dispatch_staged(filing, quantity=count_staged())


@handles("transfer.voided")
class Voided(Handler[TransferVoided]):
    """The sender takes back what is still under way."""

    def judge(self, filing: Filing[TransferVoided]) -> Verdict:
        transfer = lock_transfer(filing.body.dispatch, by=filing.signer.pk)
        parties = parties_of(transfer, organisation=filing.signer.pk)
        check_may(Act.VOID, state=TransferState(transfer.state), parties=parties)
        return {}

    def apply(self, filing: Filing[TransferVoided], verdict: Verdict) -> None:
        transfer = get_transfer(filing.body.dispatch)
        fill_with_all_under_way(transfer)
        end_shortages(filing, transfer, Act.VOID)
        back = move_within(filing, transfer, Act.VOID, effective_at=filing.at)
        go_on(filing, transfer, Act.VOID, arrived=back)


def _find(handle: str) -> Organisation | None:
    return Organisation.objects.select_related("signer").filter(signer__handle=handle).first()
