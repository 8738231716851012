"""Handler of a settlement: how a difference, or what is still under way, ends."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from chipledger.refusals import Refused
from chipledger.statements.tracking import TransferSettled
from ledger.handlers import Filing, Handler, Verdict, handles
from tracking.actions.custody import lock_own_chips, read_rows, reject_all
from tracking.actions.differences import CLAIMS, end_claims, fill_with_claimed
from tracking.actions.staging import STAGED, stage_holdings
from tracking.actions.transfers import (
    end_shortages,
    get_transfer,
    go_on,
    lock_transfer,
    move_within,
    not_in_transfer,
)
from tracking.models import AccountKind, Difference, Transfer, TransferState
from tracking.rules.transitions import Act, Party, check_may, parties_of

ABOUT_CLAIMS = (Act.WITHDRAW_CLAIM, Act.SUPPLEMENTARY_DISPATCH)


@handles("transfer.settled")
class Settled(Handler[TransferSettled]):
    """Later receipt by the consignee; return, loss or supplementary dispatch by the sender.

    A return signed by the consignee gives up its claims and moves nothing: it cannot make the sender answer for a
    chip by its own signature alone. Chips that it has taken over go back by a dispatch that the sender receives.
    """

    def stage(self, filing: Filing[TransferSettled]) -> None:
        stage_holdings(filing)

    def judge(self, filing: Filing[TransferSettled]) -> Verdict:
        transfer = lock_transfer(filing.body.dispatch, by=filing.signer.pk)
        parties = parties_of(transfer, organisation=filing.signer.pk)
        act = _act_of(filing, transfer, parties)
        check_may(act, state=TransferState(transfer.state), parties=parties)
        if act in ABOUT_CLAIMS:
            reject_all(filing, _not_claimed(transfer))
        else:
            reject_all(filing, _not_under_way(transfer))
        if act is Act.SUPPLEMENTARY_DISPATCH:
            lock_own_chips(filing, kinds=frozenset({AccountKind.ON_HAND}), site=None)
        return {"act": act.value}

    def apply(self, filing: Filing[TransferSettled], verdict: Verdict) -> None:
        transfer = get_transfer(filing.body.dispatch)
        act = Act(str(verdict["act"]))
        moved = 0
        if act is not Act.WITHDRAW_CLAIM:
            fill_with_claimed()
            moved = move_within(filing, transfer, act, effective_at=filing.at)
        if act in ABOUT_CLAIMS:
            end_claims(filing, transfer, act)
            moved = 0
        else:
            end_shortages(filing, transfer, act)
        go_on(filing, transfer, act, arrived=moved)


def _act_of(filing: Filing[TransferSettled], transfer: Transfer, parties: frozenset[Party]) -> Act:
    """What the statement does. One organisation that is both sides returns chips, unless it names a claim."""
    if filing.body.outcome != "return":
        return Act(filing.body.outcome)
    if Party.SENDER not in parties:
        return Act.WITHDRAW_CLAIM
    if Party.CONSIGNEE in parties and _names_claims_only(transfer):
        return Act.WITHDRAW_CLAIM
    return Act.RETURN


def _names_claims_only(transfer: Transfer) -> bool:
    claimed = Difference.objects.filter(transfer=transfer, kind__in=CLAIMS, settled_at__isnull=True)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT NOT EXISTS (SELECT FROM {STAGED} WHERE name <> ALL(%s))",
            [list(claimed.values_list("name", flat=True))],
        )
        return bool(cursor.fetchone()[0])


def _not_claimed(transfer: Transfer) -> Iterator[Refused]:
    claimed = Difference.objects.filter(transfer=transfer, kind__in=CLAIMS, settled_at__isnull=True)
    rows = read_rows(
        f"SELECT row, name FROM {STAGED} WHERE name <> ALL(%s) ORDER BY row",
        [list(claimed.values_list("name", flat=True))],
    )
    for row, name in rows:
        sentence = "No open claim of this transfer names this chip; leave it out. What was taken over, dispatch back."
        yield Refused("not_claimed", sentence, row=int(str(row)), field="chip", value=str(name))


def _not_under_way(transfer: Transfer) -> Iterator[Refused]:
    rows = read_rows(
        f"""SELECT staged.row, staged.name FROM {STAGED} staged
            LEFT JOIN tracking_holding holding ON holding.chip_id = staged.chip_id AND holding.transfer_id = %s
            WHERE holding.chip_id IS NULL ORDER BY staged.row""",
        [transfer.pk],
    )
    for row, name in rows:
        yield not_in_transfer(str(name), row=int(str(row)))
