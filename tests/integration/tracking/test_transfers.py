"""Dispatch and receipt: who answers for a chip at each step, and which papers are refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chipledger.manifests import Shape
from chipledger.refusals import Refused
from chipledger.statements.tracking import ChipsLost, TransferDispatched
from ledger import door
from tests.integration.tracking.trade import Trade, transfer_of, where
from tests.world import JobRefused, Party, World
from tracking.models import Movement, Transfer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_book_closes")]

ON_FAB = ("on_hand", "maker-a", "fab-1")
UNDER_WAY = ("in_transit", "maker-a", "fab-1")
ON_DC = ("on_hand", "operator-a", "dc-1")


def test_sender_answers_until_the_consignee_signs(trade: Trade, chips: list[str]) -> None:
    assert where(chips[0]) == ON_FAB

    dispatch = trade.dispatch(chips[:3])
    assert [where(chip) for chip in chips[:4]] == [UNDER_WAY] * 3 + [ON_FAB]

    trade.receive(dispatch)
    assert [where(chip) for chip in chips[:3]] == [ON_DC] * 3
    assert transfer_of(dispatch).state == "received"
    assert transfer_of(dispatch).closed_at is not None


def test_a_receipt_is_due_ten_days_after_the_estimated_arrival(trade: Trade, chips: list[str]) -> None:
    transfer = transfer_of(trade.dispatch(chips))
    assert transfer.due_at - transfer.estimated_arrival == timedelta(days=10)


def test_what_a_receipt_does_not_name_stays_under_way(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips[:3])

    trade.receive(dispatch, accepted=chips[:1])
    assert transfer_of(dispatch).state == "partially_received"
    assert transfer_of(dispatch).outstanding == 2
    assert where(chips[1]) == UNDER_WAY

    trade.receive(dispatch, accepted=chips[1:3])
    assert transfer_of(dispatch).state == "received"


def test_dispatch_and_receipt_by_manifest(trade: Trade, chips: list[str]) -> None:
    world = trade.world
    sent = world.upload(world.maker, Shape.CHIPS, [[chip] for chip in chips])
    dispatch = trade.dispatch([], chips=None, manifest=sent)
    arrived = world.upload(world.operator, Shape.CHIPS, [[chip] for chip in chips[:4]])

    trade.receive(dispatch, manifest=arrived, short=[chips[5]], damaged=[chips[4]])

    assert [where(chip) for chip in chips] == [ON_DC] * 5 + [UNDER_WAY]
    assert transfer_of(dispatch).quantity == 6


def test_an_organisation_moves_chips_between_its_own_sites(trade: Trade, chips: list[str]) -> None:
    trade.receive(trade.dispatch(chips[:2]))

    dispatch = trade.dispatch(chips[:2], by=trade.operator, from_site="dc-1", to_site="dc-2")
    trade.receive(dispatch)

    assert where(chips[0]) == ("on_hand", "operator-a", "dc-2")


def test_every_movement_names_its_statement(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips)
    movement = Movement.objects.get(kind="dispatched")
    assert bytes(movement.statement.digest).hex() == dispatch
    assert movement.quantity == len(chips)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"from_site": "dc-1"}, "not_your_site"),
        ({"from_site": "no-such-site"}, "not_your_site"),
        ({"to_site": "dc-3"}, "not_a_site_of_consignee"),
        ({"to_site": "no-such-site"}, "not_a_site_of_consignee"),
        ({"consignee": "nobody"}, "not_a_holder"),
        ({"consignee": "regulator-a"}, "not_a_holder"),
        ({"consignee": "maker-a", "to_site": "fab-1"}, "same_site"),
        ({"carrier": "operator-b"}, "not_a_carrier"),
        ({"chips": ["maker-a/SN-0001", "maker-a/none"]}, "unknown_serial"),
        ({"chips": ["maker-b/none"]}, "not_holder"),
    ],
)
def test_a_dispatch_to_the_wrong_place_or_of_the_wrong_chip_is_refused(
    trade: Trade, chips: list[str], change: dict[str, object], code: str
) -> None:
    with pytest.raises(Refused) as refused:
        trade.dispatch(chips[:1], **change)
    assert refused.value.code == code
    assert not Transfer.objects.exists()


def test_a_dispatch_is_neither_from_the_future_nor_arrives_before_it_left(
    trade: Trade, chips: list[str]
) -> None:
    now = door.now()
    with pytest.raises(Refused) as refused:
        trade.dispatch(
            chips, dispatched_at=now + timedelta(hours=1), estimated_arrival=now + timedelta(days=1)
        )
    assert refused.value.code == "happened_in_future"
    with pytest.raises(Refused) as refused:
        trade.dispatch(chips, dispatched_at=now, estimated_arrival=now - timedelta(days=1))
    assert refused.value.code == "arrives_before_it_left"


def test_a_chip_under_way_is_not_dispatched_again(trade: Trade, chips: list[str]) -> None:
    trade.dispatch(chips[:2])
    with pytest.raises(Refused) as refused:
        trade.dispatch(chips[1:3])
    assert (refused.value.code, refused.value.value, refused.value.row) == ("in_transit", chips[1], 1)


def test_a_chip_at_another_site_is_named(trade: Trade, chips: list[str]) -> None:
    trade.receive(trade.dispatch(chips))
    with pytest.raises(Refused) as refused:
        trade.dispatch(chips[:1], by=trade.operator, from_site="dc-2", to_site="dc-1")
    assert refused.value.code == "at_another_site"


def test_a_stranger_cannot_tell_a_chip_of_others_from_one_that_does_not_exist(
    trade: Trade, chips: list[str]
) -> None:
    def refusal(name: str) -> tuple[str, str, int]:
        with pytest.raises(Refused) as refused:
            trade.dispatch([name], by=trade.stranger, from_site="dc-3")
        return refused.value.code, refused.value.sentence, refused.value.status

    expected = ("not_holder", "You do not hold this chip; leave it out, or correct its name.", 403)
    assert refusal(chips[0]) == refusal("maker-a/SN-9999") == refusal("nobody/SN-9999") == expected


@pytest.mark.parametrize("typed", ["SN-OOO1", "sn-0001", "SN-001", "SN-00011", "SN-0x01", "SN-000l"])
def test_a_slip_of_the_pen_suggests_a_chip_of_ones_own(trade: Trade, chips: list[str], typed: str) -> None:
    trade.receive(trade.dispatch(chips[:1]))
    with pytest.raises(Refused) as refused:
        trade.world.submit(
            ChipsLost,
            by=trade.operator,
            site="dc-1",
            happened_at=door.now(),
            reason="unknown",
            chips=[f"maker-a/{typed}"],
        )
    assert (
        refused.value.sentence
        == "You do not hold this chip; leave it out, or correct its name. Did you mean maker-a/SN-0001?"
    )


def test_no_slip_of_the_pen_reveals_a_strangers_serial(trade: Trade, chips: list[str]) -> None:
    trade.receive(trade.dispatch(chips[:1]))
    for name in (
        "maker-a/SN-0003",
        "maker-a/SN-0012x",
    ):  # near to the maker's chips, and not to the operator's
        with pytest.raises(Refused) as refused:
            trade.dispatch([name], by=trade.operator, from_site="dc-1", to_site="dc-2")
        assert chips[1] not in refused.value.sentence
        assert "SN-0002" not in refused.value.sentence


def test_every_faulty_row_of_a_manifest_is_reported(trade: Trade, chips: list[str]) -> None:
    world = trade.world
    trade.dispatch(chips[:1])
    rows = [[chips[0]], [chips[1]], ["maker-a/none-1"], ["maker-b/none-2"]]
    with pytest.raises(JobRefused) as refused:
        trade.dispatch([], chips=None, manifest=world.upload(world.maker, Shape.CHIPS, rows))
    assert refused.value.code == "rows_refused"
    assert where(chips[1]) == ON_FAB
    assert Transfer.objects.count() == 1


def test_only_the_consignee_signs_the_receipt(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips)
    with pytest.raises(Refused) as refused:
        trade.receive(dispatch, by=trade.maker)
    assert refused.value.code == "not_consignee"
    with pytest.raises(Refused) as strange:
        trade.receive(dispatch, by=trade.stranger)
    with pytest.raises(Refused) as unknown:
        trade.receive("0" * 64, by=trade.stranger)
    assert (strange.value.code, strange.value.status) == (unknown.value.code, unknown.value.status)
    assert strange.value.code == "no_such_transfer"


def test_a_receipt_that_claims_other_chips_names_each(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips[:2])
    with pytest.raises(Refused) as refused:
        trade.receive(dispatch, accepted=[chips[0], chips[4], chips[5]])
    assert refused.value.code == "not_in_transfer"
    assert chips[4] in refused.value.sentence
    assert chips[5] in refused.value.sentence
    assert where(chips[0]) == UNDER_WAY


def test_a_receipt_says_something_and_not_from_the_future(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips[:2])
    for fields, code in (
        ({"accepted": []}, "empty_receipt"),
        ({"received_at": door.now() + timedelta(hours=1)}, "happened_in_future"),
        ({"received_at": door.now() - timedelta(days=1)}, "received_before_dispatch"),
    ):
        with pytest.raises(Refused) as refused:
            trade.receive(dispatch, **fields)
        assert refused.value.code == code


def test_a_carrier_may_be_named(trade: Trade, chips: list[str]) -> None:
    carrier = Party("carrier-a")
    trade.world.admit(carrier, "carrier")
    dispatch = trade.dispatch(chips, carrier="carrier-a", waybill="WB 12/7")
    assert transfer_of(dispatch).carrier == carrier.organisation


def test_voiding_takes_back_what_is_under_way(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips[:3])
    trade.receive(dispatch, accepted=chips[:1], short=[chips[1]])

    trade.void(dispatch)

    assert [where(chip) for chip in chips[:3]] == [ON_DC, ON_FAB, ON_FAB]
    assert transfer_of(dispatch).state == "voided"
    assert not transfer_of(dispatch).differences.filter(settled_at__isnull=True).exists()


def test_the_same_dispatch_twice_is_one(world: World, trade: Trade, chips: list[str]) -> None:
    now = door.now()
    raw = world.envelope(
        TransferDispatched,
        by=world.maker,
        from_site="fab-1",
        consignee="operator-a",
        to_site="dc-1",
        dispatched_at=now,
        estimated_arrival=now,
        chips=chips,
    )
    first, second = world.send(raw), world.send(raw)
    assert (first.known, second.known) == (False, True)
    assert Transfer.objects.count() == 1
