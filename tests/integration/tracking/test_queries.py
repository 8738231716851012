"""What the book says in figures: balances over a period, open and overdue transfers, and what breaks an identity."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from chipledger.statements.tracking import ChipsLost
from ledger import door
from tests.integration.tracking.trade import Trade, count_site, transfer_of
from tracking.models import Movement
from tracking.queries.balances import Balance, balances
from tracking.queries.holdings import holdings_of
from tracking.queries.identities import IDENTITIES, check_identities
from tracking.queries.transfers import chips_under_way, open_transfers_of, overdue_transfers
from tracking.rules.diagrams import draw_accounts, draw_transfers

pytestmark = pytest.mark.django_db


def test_a_balance_carries_the_beginning_to_the_ending(trade: Trade, chips: list[str]) -> None:
    commissioned = Movement.objects.get(kind="commissioned").recorded_at
    trade.receive(trade.dispatch(chips[:4]))
    trade.world.submit(
        ChipsLost, by=trade.operator, site="dc-1", happened_at=door.now(), reason="unknown", chips=chips[:1]
    )
    until = door.now() + timedelta(seconds=1)

    found = balances(
        [trade.maker.organisation, trade.operator.organisation],
        since=commissioned + timedelta(milliseconds=1),
        until=until,
    )

    shown = {(each.organisation, each.site, each.account): each for each in found}
    fab = shown["maker-a", "fab-1", "on_hand"]
    assert (fab.beginning, dict(fab.increases), dict(fab.decreases), fab.ending) == (
        6,
        {},
        {"dispatched": 4},
        2,
    )
    road = shown["maker-a", "fab-1", "in_transit"]
    assert (dict(road.increases), dict(road.decreases), road.ending) == (
        {"dispatched": 4},
        {"received": 4},
        0,
    )
    assert shown["operator-a", "dc-1", "on_hand"].ending == 3
    assert shown["operator-a", "dc-1", "lost"].ending == 1
    assert sum(each.ending for each in found) == len(chips)


def test_a_period_before_everything_is_empty(trade: Trade, chips: list[str]) -> None:
    long_ago = door.now() - timedelta(days=400)
    found: list[Balance] = balances(
        [trade.maker.organisation], since=long_ago, until=long_ago + timedelta(days=1)
    )
    assert [each.ending for each in found] == []


def test_open_and_overdue_transfers(trade: Trade, chips: list[str]) -> None:
    first, second = trade.dispatch(chips[:1]), trade.dispatch(chips[1:3])
    trade.receive(first)
    assert list(open_transfers_of(trade.operator.organisation)) == [transfer_of(second)]
    assert [each.chip.serial for each in chips_under_way(transfer_of(second))] == ["SN-0002", "SN-0003"]
    due = transfer_of(second).due_at
    assert list(overdue_transfers(at=due)) == []
    assert list(overdue_transfers(at=due + timedelta(seconds=1))) == [transfer_of(second)]


def test_holdings_of_an_organisation(trade: Trade, chips: list[str]) -> None:
    trade.dispatch(chips[:2])
    assert holdings_of(trade.maker.organisation).count() == 6
    assert holdings_of(trade.operator.organisation).count() == 0


@pytest.mark.parametrize(
    ("damage", "identity"),
    [
        (
            "DELETE FROM tracking_holding WHERE chip_id = (SELECT min(chip_id) FROM tracking_holding)",
            "every chip",
        ),
        ("UPDATE tracking_movement SET quantity = 7 WHERE kind = 'commissioned'", "commissioned + opened"),
        ("UPDATE tracking_movement SET quantity = 3 WHERE kind = 'received'", "per organisation"),
        ("UPDATE tracking_movement SET quantity = 3 WHERE kind = 'dispatched'", "per account"),
        (
            "UPDATE tracking_movement SET quantity = 3 WHERE kind = 'dispatched'",
            "as many chips as it has lines",
        ),
        (
            "DELETE FROM tracking_movementline USING tracking_movement WHERE movement_id = id AND kind = 'dispatched'",
            "begins where the one before ended",
        ),
        ("UPDATE tracking_holding SET movement_id = movement_id - 1", "projection of the chip's last"),
        (
            "UPDATE tracking_holding SET transfer_id = (SELECT max(id) FROM tracking_transfer)",
            "exactly while it is in transit",
        ),
        (
            "UPDATE tracking_holding SET installed_at = now() FROM tracking_account "
            "WHERE account_id = tracking_account.id AND kind <> 'on_hand'",
            "only chips on hand",
        ),
        ("UPDATE tracking_transfer SET outstanding = 0", "outstanding of a transfer"),
        ("UPDATE tracking_transfer SET closed_at = now(), state = 'settled'", "open exactly while something"),
        ("UPDATE tracking_difference SET chip_id = chip_id - 1", "a shortage is open"),
        ("DELETE FROM tracking_stockdifference", "as many differences as it says"),
    ],
)
def test_each_identity_notices_what_breaks_it(
    trade: Trade, chips: list[str], damage: str, identity: str
) -> None:
    trade.receive(trade.dispatch(chips[:2]))
    trade.receive(trade.dispatch(chips[2:4]), accepted=[chips[2]], short=[chips[3]])
    count_site(trade.world, chips[5:])
    assert check_identities() == []
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # go around the append-only triggers
        cursor.execute(damage)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    assert any(identity in broken for broken in check_identities())


def test_every_identity_is_tested() -> None:
    assert len(IDENTITIES) == 13


def test_the_states_are_drawn() -> None:
    for drawing in (draw_transfers(), draw_accounts()):
        assert drawing.startswith("stateDiagram-v2")
