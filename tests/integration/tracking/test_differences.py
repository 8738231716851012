"""The shipper/receiver difference: five sets, and how each of them ends."""

from __future__ import annotations

import pytest

from chipledger.refusals import Refused
from tests.integration.tracking.trade import Trade, transfer_of, where
from tracking.models import Difference, Movement

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_book_closes")]

ON_FAB = ("on_hand", "maker-a", "fab-1")
UNDER_WAY = ("in_transit", "maker-a", "fab-1")
ON_DC = ("on_hand", "operator-a", "dc-1")


def open_differences(digest: str) -> list[tuple[str, str]]:
    found = Difference.objects.filter(transfer=transfer_of(digest), settled_at__isnull=True)
    return sorted(found.values_list("kind", "name"))


def test_the_five_sets_are_recorded_and_only_what_is_taken_over_moves(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips[:4])

    trade.receive(
        dispatch,
        short=[chips[1]],
        damaged=[chips[2]],
        swapped=[{"expected": chips[3], "found": chips[5]}],
        over=["maker-a/never-made"],
    )

    assert [where(chip) for chip in chips] == [ON_DC, UNDER_WAY, ON_DC, UNDER_WAY, ON_FAB, ON_FAB]
    assert open_differences(dispatch) == [
        ("over", "maker-a/never-made"),
        ("short", chips[1]),
        ("swapped", chips[5]),
    ]
    damaged = Difference.objects.get(kind="damaged")
    assert (damaged.name, damaged.outcome) == (chips[2], "received")


def test_a_shortage_ends_by_a_later_receipt(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips[:2])
    trade.receive(dispatch, short=[chips[1]])

    trade.settle(dispatch, "later_receipt", [chips[1]], by=trade.operator)

    assert where(chips[1]) == ON_DC
    assert transfer_of(dispatch).state == "settled"
    assert open_differences(dispatch) == []


def test_a_second_receipt_ends_a_shortage_too(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips[:2])
    trade.receive(dispatch, short=[chips[1]])
    trade.receive(dispatch, accepted=[chips[1]])
    assert transfer_of(dispatch).state == "received"
    assert Difference.objects.get().outcome == "later_receipt"


def test_a_difference_said_twice_is_recorded_once(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips[:3])
    trade.receive(dispatch, accepted=chips[:1], short=[chips[1]], over=["maker-a/x"])
    trade.receive(dispatch, accepted=[chips[2]], short=[chips[1]], over=["maker-a/x"])
    assert open_differences(dispatch) == [("over", "maker-a/x"), ("short", chips[1])]


@pytest.mark.parametrize(("outcome", "place"), [("return", ON_FAB), ("loss", ("lost", "maker-a", "fab-1"))])
def test_the_sender_settles_what_never_arrived(
    trade: Trade, chips: list[str], outcome: str, place: tuple[str, str, str]
) -> None:
    dispatch = trade.dispatch(chips[:2])
    trade.receive(dispatch, short=[chips[1]])

    trade.settle(dispatch, outcome, [chips[1]], by=trade.maker)

    assert where(chips[1]) == place
    assert transfer_of(dispatch).state == "settled"


def test_a_claim_moves_the_chip_once_the_sender_signs(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips[:2])
    trade.receive(dispatch, over=[chips[4]])
    assert transfer_of(dispatch).state == "received"
    assert where(chips[4]) == ON_FAB

    trade.settle(dispatch, "supplementary_dispatch", [chips[4]], by=trade.maker)

    assert where(chips[4]) == ON_DC
    assert transfer_of(dispatch).state == "settled"
    assert Movement.objects.filter(transfer=transfer_of(dispatch), quantity=1, kind="received").count() == 1


def test_a_swap_ends_on_both_sides(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips[:2])
    trade.receive(dispatch, swapped=[{"expected": chips[1], "found": chips[4]}])

    trade.settle(dispatch, "supplementary_dispatch", [chips[4]], by=trade.maker)
    assert transfer_of(dispatch).state == "partially_received"
    trade.settle(dispatch, "return", [chips[1]], by=trade.maker)

    assert (where(chips[4]), where(chips[1])) == (ON_DC, ON_FAB)
    assert transfer_of(dispatch).state == "settled"


def test_the_consignee_gives_up_a_claim(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips[:2])
    trade.receive(dispatch, over=["maker-a/never-made"])

    trade.settle(dispatch, "return", ["maker-a/never-made"], by=trade.operator)

    assert transfer_of(dispatch).state == "settled"
    assert Difference.objects.get().outcome == "withdrawn"


def test_the_consignee_alone_cannot_make_the_sender_answer_again(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips[:3])
    trade.receive(dispatch, accepted=chips[:2])
    for chip in (chips[0], chips[2]):
        with pytest.raises(Refused) as refused:
            trade.settle(dispatch, "return", [chip], by=trade.operator)
        assert refused.value.code == "not_claimed"


def test_a_claim_survives_the_voiding(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips[:2])
    trade.receive(dispatch, accepted=chips[:1], over=[chips[4]])
    trade.void(dispatch)
    assert open_differences(dispatch) == [("over", chips[4])]
    trade.settle(dispatch, "supplementary_dispatch", [chips[4]], by=trade.maker)
    assert (where(chips[4]), transfer_of(dispatch).state) == (ON_DC, "voided")


@pytest.mark.parametrize(
    ("sets", "code"),
    [
        ({"short": [4]}, "not_in_transfer"),
        ({"damaged": [4]}, "not_in_transfer"),
        ({"swapped": [(4, 5)]}, "not_in_transfer"),
        ({"over": [1]}, "expected_chip_claimed"),
        ({"swapped": [(0, 1)]}, "expected_chip_claimed"),
        ({"over": [3]}, "already_held"),
    ],
)
def test_a_set_that_contradicts_the_book_is_refused(
    trade: Trade, chips: list[str], sets: dict[str, list[object]], code: str
) -> None:
    trade.receive(trade.dispatch([chips[3]]))
    dispatch = trade.dispatch(chips[:2])
    named = {
        kind: [
            chips[each] if isinstance(each, int) else {"expected": chips[each[0]], "found": chips[each[1]]}
            for each in members
        ]
        for kind, members in sets.items()
    }
    with pytest.raises(Refused) as refused:
        trade.receive(dispatch, accepted=[], **named)
    assert refused.value.code == code
    assert not Difference.objects.exists()


@pytest.mark.parametrize("outcome", ["later_receipt", "return", "loss"])
def test_only_what_is_under_way_is_settled(trade: Trade, chips: list[str], outcome: str) -> None:
    dispatch = trade.dispatch(chips[:2])
    trade.receive(dispatch, accepted=[chips[0]])
    with pytest.raises(Refused) as refused:
        trade.settle(
            dispatch, outcome, [chips[0]], by=trade.operator if outcome == "later_receipt" else trade.maker
        )
    assert refused.value.code == "not_in_transfer"


def test_a_supplementary_dispatch_needs_a_claim_and_the_chip(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips[:2])
    trade.receive(dispatch, over=["maker-b/strange"])
    with pytest.raises(Refused) as refused:
        trade.settle(dispatch, "supplementary_dispatch", [chips[5]], by=trade.maker)
    assert refused.value.code == "not_claimed"
    with pytest.raises(Refused) as refused:
        trade.settle(dispatch, "supplementary_dispatch", ["maker-b/strange"], by=trade.maker)
    assert refused.value.code == "not_holder"


def test_one_organisation_on_both_sides_returns_chips_and_gives_up_claims(
    trade: Trade, chips: list[str]
) -> None:
    trade.receive(trade.dispatch(chips[:3]))
    dispatch = trade.dispatch(chips[:2], by=trade.operator, from_site="dc-1", to_site="dc-2")
    trade.receive(dispatch, accepted=[chips[0]], over=["maker-a/never-made"])

    trade.settle(dispatch, "return", [chips[1]], by=trade.operator)
    assert where(chips[1]) == ON_DC
    trade.settle(dispatch, "return", ["maker-a/never-made"], by=trade.operator)

    assert transfer_of(dispatch).state == "settled"


def test_a_sender_cannot_return_what_only_the_consignee_claims(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips[:2])
    trade.receive(dispatch, accepted=[chips[0]], over=["maker-a/never-made"])
    with pytest.raises(Refused) as refused:
        trade.settle(dispatch, "return", ["maker-a/never-made"], by=trade.maker)
    assert refused.value.code == "not_in_transfer"


def test_the_reasons_of_a_receipt_stand_beside_its_differences(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips[:3])
    trade.receive(
        dispatch,
        short=[chips[1]],
        swapped=[{"expected": chips[2], "found": chips[5]}],
        over=["maker-a/never-made"],
        reasons=[
            {"chip": chips[1], "why": "package_missing"},
            {"chip": chips[5], "why": "label_mismatch"},
        ],
    )
    said = {each.name: each.why for each in Difference.objects.all()}
    assert said == {chips[1]: "package_missing", chips[5]: "label_mismatch", "maker-a/never-made": ""}


@pytest.mark.parametrize(
    ("reasons", "sentence"),
    [
        ([("maker-a/elsewhere", "unknown")], "is in none of the four sets"),
        ([("maker-a/SN-0002", "does_not_start")], "is no reason for maker-a/SN-0002, which is short"),
        ([("maker-a/SN-0002", "unknown"), ("maker-a/SN-0002", "seal_broken")], "or has two"),
    ],
)
def test_a_reason_must_fit_a_difference(
    trade: Trade, chips: list[str], reasons: list[tuple[str, str]], sentence: str
) -> None:
    assert chips[1] == "maker-a/SN-0002"
    dispatch = trade.dispatch(chips[:2])
    with pytest.raises(ValueError, match=sentence):
        trade.receive(
            dispatch, short=[chips[1]], reasons=[{"chip": chip, "why": why} for chip, why in reasons]
        )
