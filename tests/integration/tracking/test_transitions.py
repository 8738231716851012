"""Every state of a transfer, every act, every side: what the table says is what the door does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chipledger.refusals import Refused
from tests.integration.tracking.trade import Trade, transfer_of
from tests.world import Party as Member
from tracking.models import TransferState
from tracking.rules.diagrams import draw_accounts, draw_transfers
from tracking.rules.transitions import CHANGES, SIGNED_BY, TRANSITIONS, Act, Party, check_may, next_state

S = TransferState
CLAIM = "maker-a/SN-0005"


def bring_to(trade: Trade, chips: list[str], state: S) -> str:
    """A transfer of three chips in a state, with an open claim where there can be one."""
    dispatch = trade.dispatch(chips[:3])
    if state == S.PARTIALLY_RECEIVED:
        trade.receive(dispatch, accepted=[chips[0]], short=[chips[1]], over=[CLAIM])
    elif state == S.RECEIVED:
        trade.receive(dispatch, over=[CLAIM])
    elif state == S.SETTLED:
        trade.receive(dispatch, short=[chips[1]])
        trade.settle(dispatch, "later_receipt", [chips[1]], by=trade.operator)
    elif state == S.VOIDED:
        trade.receive(dispatch, accepted=[chips[0]], over=[CLAIM])
        trade.void(dispatch)
    assert transfer_of(dispatch).state == state
    return dispatch


def sign(trade: Trade, dispatch: str, act: Act, chips: list[str], by: Member) -> None:
    papers: dict[Act, Callable[[], object]] = {
        Act.RECEIVE: lambda: trade.receive(dispatch, by=by),
        Act.LATER_RECEIPT: lambda: trade.settle(dispatch, "later_receipt", [chips[1]], by=by),
        Act.RETURN: lambda: trade.settle(dispatch, "return", [chips[1]], by=by),
        Act.WITHDRAW_CLAIM: lambda: trade.settle(dispatch, "return", [CLAIM], by=by),
        Act.SUPPLEMENTARY_DISPATCH: lambda: trade.settle(dispatch, "supplementary_dispatch", [CLAIM], by=by),
        Act.LOSS: lambda: trade.settle(dispatch, "loss", [chips[1]], by=by),
        Act.VOID: lambda: trade.void(dispatch, by=by),
    }
    papers[act]()


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["sender", "consignee", "stranger"])
@pytest.mark.parametrize("act", list(Act))
@pytest.mark.parametrize("state", list(S))
def test_the_door_does_what_the_table_says(
    trade: Trade, chips: list[str], state: TransferState, act: Act, role: str
) -> None:
    dispatch = bring_to(trade, chips, state)
    by = {"sender": trade.maker, "consignee": trade.operator, "stranger": trade.stranger}[role]
    # A return has two meanings: the sender takes chips back, the consignee gives up a claim.
    meant = {("return", "consignee"): Act.WITHDRAW_CLAIM, ("withdraw_claim", "sender"): Act.RETURN}.get(
        (act, role), act
    )
    if role == SIGNED_BY[meant] and act in TRANSITIONS[state] and meant is act:
        sign(trade, dispatch, act, chips, by)
        assert transfer_of(dispatch).state in TRANSITIONS[state][act]
        return
    with pytest.raises(Refused) as refused:
        sign(trade, dispatch, act, chips, by)
    if role == "stranger":
        assert refused.value.code == "no_such_transfer"
    elif role != SIGNED_BY[meant]:
        assert refused.value.code == f"not_{SIGNED_BY[meant]}"
    elif meant not in TRANSITIONS[state]:
        assert refused.value.code == "wrong_state"
    else:
        assert refused.value.code in {"not_claimed", "not_in_transfer"}
    assert transfer_of(dispatch).state == state


def test_no_state_and_no_act_is_forgotten() -> None:
    assert set(TRANSITIONS) == set(S)
    assert set(SIGNED_BY) == set(Act)
    assert {act for acts in TRANSITIONS.values() for act in acts} == set(Act)
    reachable = {S.DISPATCHED} | {
        target for acts in TRANSITIONS.values() for following in acts.values() for target in following
    }
    assert reachable == set(S)


@pytest.mark.parametrize("state", list(S))
@pytest.mark.parametrize("act", list(Act))
@pytest.mark.parametrize("party", list(Party))
def test_an_act_is_refused_exactly_where_the_table_has_no_cell(state: S, act: Act, party: Party) -> None:
    allowed = act in TRANSITIONS[state] and SIGNED_BY[act] is party
    if allowed:
        check_may(act, state=state, parties={party})
        return
    with pytest.raises(Refused):
        check_may(act, state=state, parties={party})


def test_a_step_that_the_table_does_not_know_is_a_mistake_of_ours() -> None:
    with pytest.raises(RuntimeError):
        next_state(Act.SUPPLEMENTARY_DISPATCH, state=S.PARTIALLY_RECEIVED, outstanding=0, open_differences=0)


def test_the_diagrams_show_every_transition() -> None:
    drawn = draw_transfers()
    for state, acts in TRANSITIONS.items():
        for act, following in acts.items():
            for target in following:
                assert f"{state.value} --> {target.value}: {act.value} " in drawn
    for kind, change in CHANGES.items():
        assert f"--> {change.target.value}: {kind}" in draw_accounts()
