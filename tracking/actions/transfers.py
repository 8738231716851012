"""Opening, finding under a lock, and closing transfers and their differences."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import connection

from chipledger.refusals import Refused
from chipledger.statements.tracking import TransferDispatched
from ledger.handlers import B, Filing
from registry.models import Organisation, Site
from tracking.actions.movements import Place, move
from tracking.actions.staging import MOVING, STAGED, fill_moving
from tracking.models import (
    OPEN_TRANSFERS,
    AccountKind,
    Difference,
    DifferenceKind,
    MovementKind,
    Transfer,
    TransferState,
)
from tracking.rules.dispatches import due_at
from tracking.rules.transitions import SIGNED_BY, Act, Party, next_state

ENDED_BY: Final[dict[Act, str]] = {
    Act.RECEIVE: "later_receipt",
    Act.LATER_RECEIPT: "later_receipt",
    Act.RETURN: "return",
    Act.LOSS: "loss",
    Act.VOID: "voided",
    Act.WITHDRAW_CLAIM: "withdrawn",
    Act.SUPPLEMENTARY_DISPATCH: "supplementary_dispatch",
}
"""The outcome that a difference carries after the act that ended it."""


MOVES: Final[dict[Act, tuple[MovementKind, AccountKind]]] = {
    Act.RECEIVE: (MovementKind.RECEIVED, AccountKind.ON_HAND),
    Act.LATER_RECEIPT: (MovementKind.RECEIVED, AccountKind.ON_HAND),
    Act.SUPPLEMENTARY_DISPATCH: (MovementKind.RECEIVED, AccountKind.ON_HAND),
    Act.RETURN: (MovementKind.RETURNED, AccountKind.ON_HAND),
    Act.VOID: (MovementKind.VOIDED, AccountKind.ON_HAND),
    Act.LOSS: (MovementKind.LOST, AccountKind.LOST),
}
"""The movement an act makes, and the kind of account that the chips come to."""


def open_transfer(filing: Filing[TransferDispatched], *, quantity: int) -> Transfer:
    """Write down what the sender dispatched; its digest is what the receipt signs."""
    body = filing.body
    sender = filing.signer.pk
    return Transfer.objects.create(
        digest=filing.digest,
        statement=filing.booked,
        sender_id=sender,
        consignee=Organisation.objects.get(signer__handle=body.consignee),
        from_site=Site.objects.get(code=body.from_site),
        to_site=Site.objects.get(code=body.to_site),
        carrier=None if body.carrier is None else Organisation.objects.get(signer__handle=body.carrier),
        waybill=body.waybill or "",
        quantity=quantity,
        outstanding=quantity,
        state=TransferState.DISPATCHED,
        dispatched_at=body.dispatched_at,
        estimated_arrival=body.estimated_arrival,
        due_at=due_at(body.estimated_arrival),
        recorded_at=filing.at,
    )


def dispatch_staged(filing: Filing[TransferDispatched], *, quantity: int) -> None:
    """Take the staged chips off the sender's hand and put them under way, still its own to answer for."""
    transfer = open_transfer(filing, quantity=quantity)
    move(
        filing,
        MovementKind.DISPATCHED,
        chips=STAGED,
        to=Place(AccountKind.IN_TRANSIT, transfer.sender_id, transfer.from_site_id),
        transfer=transfer,
        effective_at=filing.body.dispatched_at,
    )


def not_in_transfer(name: str, *, field: str = "chip", row: int | None = None) -> Refused:
    """The refusal of a chip that is not under way in the transfer that names it."""
    return Refused(
        "not_in_transfer",
        "This chip is not under way in this transfer; leave it out.",
        row=row,
        field=field,
        value=name,
    )


def lock_transfer(digest: str, *, by: int) -> Transfer:
    """The transfer, held until the commit, so that acts on it come one after the other; a stranger's does not exist.

    Every movement of a chip that is under way comes through this lock, so the chips need none of their own.
    """
    transfer = Transfer.objects.select_for_update(no_key=True).filter(digest=bytes.fromhex(digest)).first()
    if transfer is None or by not in (transfer.sender_id, transfer.consignee_id):
        raise Refused(
            "no_such_transfer",
            "You have no such transfer; see that its digest is right.",
            field="dispatch",
            value=digest,
            status=404,
        )
    return transfer


def get_transfer(digest: str) -> Transfer:
    """The transfer that an accepted statement is about."""
    return Transfer.objects.get(digest=bytes.fromhex(digest))


def fill_with_all_under_way(transfer: Transfer) -> int:
    """Put every chip of the transfer that is still under way into ``moving_chips``."""
    return fill_moving("SELECT chip_id FROM tracking_holding WHERE transfer_id = %s", [transfer.pk])


def move_within(filing: Filing[B], transfer: Transfer, act: Act, *, effective_at: datetime) -> int:
    """Move ``moving_chips`` to where an act on their transfer takes them; returns how many."""
    kind, account = MOVES[act]
    if SIGNED_BY[act] is Party.CONSIGNEE or act is Act.SUPPLEMENTARY_DISPATCH:
        to = Place(account, transfer.consignee_id, transfer.to_site_id)
    else:
        to = Place(account, transfer.sender_id, transfer.from_site_id)
    return move(filing, kind, chips=MOVING, to=to, transfer=transfer, effective_at=effective_at)


def end_shortages(filing: Filing[B], transfer: Transfer, act: Act) -> None:
    """Close the shortages of the chips in ``moving_chips``: they are not under way any more."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE tracking_difference SET settlement_id = %s, settled_at = %s, outcome = %s
                WHERE transfer_id = %s AND kind = %s AND settled_at IS NULL
                  AND chip_id IN (SELECT chip_id FROM {MOVING})""",
            [filing.booked.pk, filing.at, ENDED_BY[act], transfer.pk, DifferenceKind.SHORT],
        )


def go_on(
    filing: Filing[B], transfer: Transfer, act: Act, *, arrived: int = 0, received_at: datetime | None = None
) -> None:
    """Count what is still under way after an act, and put the transfer into the state that follows."""
    outstanding = transfer.outstanding - arrived
    differences = Difference.objects.filter(transfer=transfer, settled_at__isnull=True).count()
    state = next_state(
        act, state=TransferState(transfer.state), outstanding=outstanding, open_differences=differences
    )
    closed_at = None if state in OPEN_TRANSFERS else transfer.closed_at or filing.at
    changed = Transfer.objects.filter(
        pk=transfer.pk, outstanding=transfer.outstanding, state=transfer.state
    ).update(
        outstanding=outstanding,
        state=state,
        closed_at=closed_at,
        received_at=received_at or transfer.received_at,
    )
    if changed != 1:
        raise RuntimeError(f"transfer {transfer.pk} was changed by somebody else under our lock")
