"""The life of a transfer and of a chip's account, as two tables. Docs are drawn from them, tests cover every cell."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chipledger.refusals import Refused
from tracking.models import AccountKind, MovementKind, Transfer, TransferState

S = TransferState


class Act(StrEnum):
    """What one side of a transfer can sign about it once it is dispatched."""

    RECEIVE = "receive"
    LATER_RECEIPT = "later_receipt"
    RETURN = "return"
    WITHDRAW_CLAIM = "withdraw_claim"
    SUPPLEMENTARY_DISPATCH = "supplementary_dispatch"
    LOSS = "loss"
    VOID = "void"


class Party(StrEnum):
    """The two sides of a transfer; one organisation is both when it moves chips between its own sites."""

    SENDER = "sender"
    CONSIGNEE = "consignee"


def parties_of(transfer: Transfer, *, organisation: int) -> frozenset[Party]:
    """On which sides of the transfer an organisation stands."""
    sides = {Party.SENDER: transfer.sender_id, Party.CONSIGNEE: transfer.consignee_id}
    return frozenset(party for party, side in sides.items() if side == organisation)


SIGNED_BY: Final[dict[Act, Party]] = {
    Act.RECEIVE: Party.CONSIGNEE,
    Act.LATER_RECEIPT: Party.CONSIGNEE,
    Act.RETURN: Party.SENDER,
    Act.WITHDRAW_CLAIM: Party.CONSIGNEE,
    Act.SUPPLEMENTARY_DISPATCH: Party.SENDER,
    Act.LOSS: Party.SENDER,
    Act.VOID: Party.SENDER,
}
"""Whose signature an act needs: always that of the side which answers for the chips afterwards, or gives up a claim."""

TRANSITIONS: Final[dict[TransferState, dict[Act, frozenset[TransferState]]]] = {
    S.DISPATCHED: {
        Act.RECEIVE: frozenset({S.PARTIALLY_RECEIVED, S.RECEIVED}),
        Act.RETURN: frozenset({S.DISPATCHED, S.SETTLED}),
        Act.LOSS: frozenset({S.DISPATCHED, S.SETTLED}),
        Act.VOID: frozenset({S.VOIDED}),
    },
    S.PARTIALLY_RECEIVED: {
        Act.RECEIVE: frozenset({S.PARTIALLY_RECEIVED, S.RECEIVED}),
        Act.LATER_RECEIPT: frozenset({S.PARTIALLY_RECEIVED, S.RECEIVED, S.SETTLED}),
        Act.RETURN: frozenset({S.PARTIALLY_RECEIVED, S.RECEIVED, S.SETTLED}),
        Act.WITHDRAW_CLAIM: frozenset({S.PARTIALLY_RECEIVED}),
        Act.SUPPLEMENTARY_DISPATCH: frozenset({S.PARTIALLY_RECEIVED}),
        Act.LOSS: frozenset({S.PARTIALLY_RECEIVED, S.RECEIVED, S.SETTLED}),
        Act.VOID: frozenset({S.VOIDED}),
    },
    S.RECEIVED: {
        Act.WITHDRAW_CLAIM: frozenset({S.RECEIVED, S.SETTLED}),
        Act.SUPPLEMENTARY_DISPATCH: frozenset({S.RECEIVED, S.SETTLED}),
    },
    S.SETTLED: {},
    S.VOIDED: {
        Act.WITHDRAW_CLAIM: frozenset({S.VOIDED}),
        Act.SUPPLEMENTARY_DISPATCH: frozenset({S.VOIDED}),
    },
}
"""What may follow. Received: nothing is under way any more, but claims may be open. Settled: nothing is open either.
Voiding takes back what is under way; it does not make the consignee's claims go away."""


def check_may(act: Act, *, state: TransferState, parties: Collection[Party]) -> None:
    """Refuse an act that this side may not sign, or not in this state of the transfer."""
    if SIGNED_BY[act] not in parties:
        code = f"not_{SIGNED_BY[act]}"
        raise Refused(
            code, f"Only the {SIGNED_BY[act]} can sign this; leave it to them.", field="dispatch", status=403
        )
    if act not in TRANSITIONS[state]:
        raise Refused(
            "wrong_state",
            f"This transfer is {state.label.lower()}; that cannot be signed any more. Look at it again.",
            field="dispatch",
            status=409,
        )


def next_state(act: Act, *, state: TransferState, outstanding: int, open_differences: int) -> TransferState:
    """The state after an act, given what is then still under way and how many differences are then open."""
    if act is Act.VOID or state == S.VOIDED:
        following = S.VOIDED
    elif act is Act.RECEIVE:
        following = S.PARTIALLY_RECEIVED if outstanding else S.RECEIVED
    elif outstanding:
        following = state
    else:
        following = S.RECEIVED if open_differences else S.SETTLED
    if following not in TRANSITIONS[state][act]:
        raise RuntimeError(
            f"{act} leads from {state} to {following}, which the table of transitions does not know"
        )
    return following


@dataclass(frozen=True)
class Change:
    """From which accounts of the holder a statement takes chips, and to which; None where only placement changes."""

    sources: frozenset[AccountKind]
    target: AccountKind
    movement: MovementKind | None


CHANGES: Final[dict[str, Change]] = {
    "chips.installed": Change(frozenset({AccountKind.ON_HAND}), AccountKind.ON_HAND, None),
    "chips.removed": Change(frozenset({AccountKind.ON_HAND}), AccountKind.ON_HAND, None),
    "chips.lost": Change(frozenset({AccountKind.ON_HAND}), AccountKind.LOST, MovementKind.LOST),
    "chips.stolen": Change(frozenset({AccountKind.ON_HAND}), AccountKind.STOLEN, MovementKind.STOLEN),
    "chips.recovered": Change(
        frozenset({AccountKind.LOST, AccountKind.STOLEN}), AccountKind.ON_HAND, MovementKind.RECOVERED
    ),
    "chips.retired": Change(frozenset({AccountKind.ON_HAND}), AccountKind.RETIRED, MovementKind.RETIRED),
    "chips.destroyed": Change(
        frozenset({AccountKind.RETIRED}), AccountKind.DESTROYED, MovementKind.DESTROYED
    ),
}
"""What a holder may say of its own chips, and where they are in the book afterwards."""
