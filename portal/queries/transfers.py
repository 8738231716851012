"""What a page says about a transfer: its state in a word, the papers about it, its chips."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from chipledger.refusals import Refused
from portal.doorway import refusal_of
from registry.access import Reader
from registry.models import Role
from tracking.models import (
    OPEN_TRANSFERS,
    Difference,
    Movement,
    Transfer,
    TransferState,
)
from tracking.queries.transfers import chips_under_way
from tracking.rules.transitions import Act, check_may, parties_of
from web.components import Tone

TONES = {
    TransferState.DISPATCHED: Tone.WAIT,
    TransferState.PARTIALLY_RECEIVED: Tone.WAIT,
    TransferState.RECEIVED: Tone.GOOD,
    TransferState.SETTLED: Tone.GOOD,
    TransferState.VOIDED: Tone.PLAIN,
}


def state_of(transfer: Transfer, *, at: datetime) -> tuple[str, Tone]:
    """The state in a word. Overdue and disputed are computed, and come first."""
    if transfer.state in OPEN_TRANSFERS and transfer.due_at < at:
        return "Overdue", Tone.GAP
    if getattr(transfer, "is_disputed", False):
        return "Disputed", Tone.GAP
    state = TransferState(transfer.state)
    return str(state.label).capitalize(), TONES[state]


def who_answers(transfer: Transfer) -> str:
    """Who is answerable now, in a sentence."""
    sender, consignee = transfer.sender.name, transfer.consignee.name
    if transfer.state == TransferState.VOIDED:
        return f"The transfer was voided: {sender} answers for its chips as before."
    if not transfer.outstanding:
        back = f"{sender} for what it took back or lost"
        return f"Nothing is under way any more: {consignee} answers for what it signed for, {back}."
    chips = "the chip" if transfer.outstanding == 1 else f"the {transfer.outstanding:,} chips"
    return (
        f"Responsibility for {chips} under way stays with {sender} until {consignee} signs for their receipt."
    )


def papers_about(transfer: Transfer) -> set[int]:
    """The dispatch, the receipts and the settlements, by their row numbers."""
    moved = Movement.objects.filter(transfer=transfer).values_list("statement_id", flat=True)
    differed = Difference.objects.filter(transfer=transfer).values_list("receipt_id", "settlement_id")
    said = {number for pair in differed.distinct() for number in pair if number is not None}
    return {transfer.statement_id, *moved.distinct(), *said}


def expected_names(transfer: Transfer) -> list[str]:
    """The chips of a transfer that nobody has signed for, as `maker/serial`."""
    pairs: Iterable[tuple[str, str]] = chips_under_way(transfer).values_list(
        "chip__maker__signer__handle", "chip__serial"
    )
    return [f"{maker}/{serial}" for maker, serial in pairs]


def receive_refusal(reader: Reader, transfer: Transfer) -> Refused | None:
    """Why this reader cannot receive this transfer now."""
    try:
        check_may(
            Act.RECEIVE,
            state=TransferState(transfer.state),
            parties=parties_of(transfer, organisation=reader.organisation.pk),
        )
    except Refused as refused:
        return refused
    return refusal_of(reader, Role.PREPARER)
