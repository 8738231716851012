"""Handler of a receipt: the consignee signs for what arrived, and says in four sets what was not as dispatched."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from chipledger.refusals import Refused
from chipledger.statements.tracking import TransferReceived
from ledger.handlers import Filing, Handler, Verdict, handles
from ledger.signing_policies import check_second_person
from tracking.actions.custody import read_rows, reject_all
from tracking.actions.differences import record_differences
from tracking.actions.staging import (
    SETS,
    STAGED,
    Parameters,
    count_staged,
    fill_moving,
    stage_receipt,
    weigh,
)
from tracking.actions.transfers import (
    end_shortages,
    get_transfer,
    go_on,
    lock_transfer,
    move_within,
    not_in_transfer,
)
from tracking.models import AccountKind, Transfer, TransferState
from tracking.rules.dispatches import check_happened
from tracking.rules.transitions import Act, check_may, parties_of


@handles("transfer.received")
class Received(Handler[TransferReceived]):
    """What is accepted or damaged becomes the consignee's; what is short stays under way, and claims move nothing."""

    def stage(self, filing: Filing[TransferReceived]) -> None:
        stage_receipt(filing)

    def judge(self, filing: Filing[TransferReceived]) -> Verdict:
        body = filing.body
        transfer = lock_transfer(body.dispatch, by=filing.signer.pk)
        parties = parties_of(transfer, organisation=filing.signer.pk)
        check_may(Act.RECEIVE, state=TransferState(transfer.state), parties=parties)
        check_happened(body.received_at, field="received_at", at=filing.at)
        if body.received_at < transfer.dispatched_at:
            raise Refused(
                "received_before_dispatch",
                "This was received before it was dispatched; name a later instant.",
                field="received_at",
            )
        if not (body.accepted_all or count_staged() or _names_sets(body) or body.manifest):
            raise Refused(
                "empty_receipt",
                "This receipt says nothing about any chip; name what arrived, or what did not.",
                field="accepted",
            )
        _check_accepted(filing, transfer)
        check_second_person(filing, lambda: weigh(*_taken_over(body, transfer)))
        reject_all(filing, _set_faults(transfer))
        return {}

    def apply(self, filing: Filing[TransferReceived], verdict: Verdict) -> None:
        body = filing.body
        transfer = get_transfer(body.dispatch)
        fill_moving(*_taken_over(body, transfer))
        end_shortages(filing, transfer, Act.RECEIVE)
        arrived = move_within(filing, transfer, Act.RECEIVE, effective_at=body.received_at)
        record_differences(filing, transfer)
        go_on(filing, transfer, Act.RECEIVE, arrived=arrived, received_at=body.received_at)


def _taken_over(body: TransferReceived, transfer: Transfer) -> tuple[str, Parameters]:
    """The query, with its parameters, of the chips that become the consignee's."""
    if body.accepted_all:
        return (
            f"""SELECT chip_id FROM tracking_holding WHERE transfer_id = %s AND chip_id NOT IN (
                    SELECT chip_id FROM {SETS} WHERE kind IN ('short', 'swapped'))""",
            [transfer.pk],
        )
    return f"SELECT chip_id FROM {STAGED} UNION ALL SELECT chip_id FROM {SETS} WHERE kind = 'damaged'", []


def _names_sets(body: TransferReceived) -> bool:
    return bool(body.short or body.over or body.swapped or body.damaged)


def _check_accepted(filing: Filing[TransferReceived], transfer: Transfer) -> None:
    """Refuse accepted chips that are not under way here, each by its name; a short list names them in one sentence."""
    faults = _accepted_faults(transfer)
    if filing.body.manifest is not None:
        reject_all(filing, faults)
        return
    found = list(faults)
    if found:
        names = ", ".join(str(fault.value) for fault in found)
        raise Refused(
            found[0].code,
            f"These chips are not under way in this transfer, or named twice: {names}. Name only its own, each once.",
            row=found[0].row,
            field="accepted",
            value=found[0].value,
        )


def _accepted_faults(transfer: Transfer) -> Iterator[Refused]:
    rows = read_rows(
        f"""SELECT staged.row, staged.name, named.chip_id IS NOT NULL FROM {STAGED} staged
            LEFT JOIN tracking_holding holding ON holding.chip_id = staged.chip_id AND holding.transfer_id = %s
            LEFT JOIN {SETS} named ON named.chip_id = staged.chip_id
            WHERE holding.chip_id IS NULL OR named.chip_id IS NOT NULL ORDER BY staged.row""",
        [transfer.pk],
    )
    for row, name, twice in rows:
        if twice:
            sentence = "This chip is named in more than one of the five sets; name it in one."
            yield Refused("named_twice", sentence, row=int(str(row)), field="chip", value=str(name))
        else:
            yield not_in_transfer(str(name), row=int(str(row)))


def _set_faults(transfer: Transfer) -> Iterator[Refused]:
    """Expected chips that are not under way, and claims to chips that are, or that the consignee holds already."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT named.kind, named.name FROM {SETS} named
                LEFT JOIN tracking_holding holding ON holding.chip_id = named.chip_id AND holding.transfer_id = %s
                WHERE named.name IS NOT NULL AND holding.chip_id IS NULL ORDER BY named.row""",
            [transfer.pk],
        )
        for kind, name in cursor.fetchall():
            yield not_in_transfer(name, field=kind)
        cursor.execute(
            f"""SELECT named.kind, named.found, holding.transfer_id = %s
                FROM {SETS} named
                JOIN ledger_signer maker ON maker.handle = split_part(named.found, '/', 1)
                JOIN registry_chip chip ON chip.maker_id = maker.id AND chip.serial = split_part(named.found, '/', 2)
                JOIN tracking_holding holding ON holding.chip_id = chip.id
                JOIN tracking_account account ON account.id = holding.account_id
                WHERE holding.transfer_id = %s OR (account.organisation_id = %s AND account.kind = %s)
                ORDER BY named.row""",
            [transfer.pk, transfer.pk, transfer.consignee_id, AccountKind.ON_HAND],
        )
        for kind, found, expected in cursor.fetchall():
            if expected:
                sentence, code = "This chip was expected; accept it instead.", "expected_chip_claimed"
            else:
                sentence, code = "You hold this chip already; leave it out.", "already_held"
            yield Refused(code, sentence, field=kind, value=found)
