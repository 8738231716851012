"""Counts of sites: what the book had there at that instant, against what was found."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from pydantic import ValidationError

from chipledger.manifests import Shape
from chipledger.refusals import Refused
from chipledger.statements.tracking import (
    ChipsDestroyed,
    ChipsLost,
    ChipsRetired,
    StatementCorrected,
    StockCounted,
)
from ledger import door
from tests.integration.attestations.gateway import StandingClock
from tests.integration.tracking.trade import Trade, count_site, where
from tests.world import World
from tracking.models import Holding, Movement, StockCount, StockDifference

MINUTE = timedelta(minutes=1)


def differences(counted: StockCount) -> set[tuple[str, str]]:
    return set(StockDifference.objects.filter(count=counted).values_list("kind", "name"))


def totals(counted: StockCount) -> tuple[int, int, int, int]:
    return counted.expected, counted.found, counted.missing, counted.unexpected


@pytest.mark.django_db
@pytest.mark.usefixtures("the_book_closes")
def test_a_count_names_what_is_missing_and_what_nobody_expected_and_moves_nothing(
    world: World, chips: list[str]
) -> None:
    before = Movement.objects.count(), list(Holding.objects.values_list("chip_id", "movement_id"))
    counted = count_site(world, [*chips[1:], "maker-a/NOBODY-1", "nobody/SN-1"])
    assert totals(counted) == (6, 7, 1, 2)
    assert differences(counted) == {
        ("missing", chips[0]),
        ("unexpected", "maker-a/NOBODY-1"),
        ("unexpected", "nobody/SN-1"),
    }
    assert (Movement.objects.count(), list(Holding.objects.values_list("chip_id", "movement_id"))) == before


@pytest.mark.django_db
@pytest.mark.usefixtures("the_book_closes")
def test_a_site_that_is_found_empty_misses_everything_that_the_book_has_there(
    world: World, chips: list[str]
) -> None:
    counted = count_site(world, [])
    assert totals(counted) == (6, 0, 6, 0)
    assert differences(counted) == {("missing", chip) for chip in chips}


@pytest.mark.django_db
@pytest.mark.usefixtures("the_book_closes")
def test_a_site_without_any_chip_on_the_book_can_be_counted_and_chips_be_found_there(world: World) -> None:
    counted = count_site(world, ["maker-a/FOUND-1"], by=world.operator, site="dc-2")
    assert totals(counted) == (0, 1, 0, 1)


@pytest.mark.django_db
@pytest.mark.usefixtures("the_book_closes")
def test_the_book_is_asked_as_it_stood_when_the_chips_were_counted(
    standing: StandingClock, world: World, trade: Trade
) -> None:
    """What left after the count was there; what came after it was not; late paper about earlier days counts."""
    chips = world.commission([f"SN-{number}" for number in range(1, 7)])
    standing.forward(minutes=10)
    counted_at = door.now()
    standing.forward(minutes=10)
    trade.dispatch(chips[:2])
    later = world.commission(["LATE-1"])
    trade.dispatch(chips[2:3], dispatched_at=counted_at - MINUTE)
    standing.forward(minutes=1)

    counted = count_site(world, [*chips[:2], *chips[3:]], counted_at=counted_at)
    assert totals(counted) == (5, 5, 0, 0)
    now = count_site(world, [*chips[3:], *later])
    assert totals(now) == (4, 4, 0, 0)


@pytest.mark.django_db
@pytest.mark.usefixtures("the_book_closes")
def test_what_a_later_holder_says_of_earlier_days_changes_no_count(
    standing: StandingClock, world: World, trade: Trade
) -> None:
    chips = world.commission([f"SN-{number}" for number in range(1, 4)])
    standing.forward(minutes=10)
    counted_at = door.now()
    standing.forward(minutes=10)
    trade.receive(trade.dispatch(chips[:1]))
    standing.forward(minutes=10)
    world.submit(
        ChipsLost,
        by=world.operator,
        site="dc-1",
        happened_at=counted_at - MINUTE,
        chips=chips[:1],
        reason="not_in_rack",
    )
    assert totals(count_site(world, chips, counted_at=counted_at)) == (3, 3, 0, 0)


@pytest.mark.usefixtures("the_book_closes")
def test_a_corrected_instant_counts_as_corrected(standing: StandingClock, world: World, trade: Trade) -> None:
    chips = world.commission(["SN-1", "SN-2"])
    standing.forward(minutes=10)
    dispatch = trade.dispatch(chips[:1])
    standing.forward(minutes=10)
    counted_at = door.now()
    standing.forward(minutes=10)
    world.submit(
        StatementCorrected,
        by=world.maker,
        original=dispatch,
        effective_at=counted_at + MINUTE,
        reason="typed_wrong",
    )
    assert totals(count_site(world, chips, counted_at=counted_at)) == (2, 2, 0, 0)


@pytest.mark.django_db
@pytest.mark.usefixtures("the_book_closes")
def test_chips_in_transit_lost_or_at_another_site_are_not_expected(
    world: World, trade: Trade, chips: list[str]
) -> None:
    trade.receive(trade.dispatch(chips))
    trade.dispatch(chips[:1], by=world.operator, from_site="dc-1", to_site="dc-2")
    world.submit(
        ChipsLost, by=world.operator, site="dc-1", happened_at=door.now(), reason="gone", chips=chips[1:2]
    )
    counted = count_site(world, chips, by=world.operator, site="dc-1")
    assert totals(counted) == (4, 6, 0, 2)
    assert differences(counted) == {("unexpected", chips[0]), ("unexpected", chips[1])}
    assert where(chips[1])[0] == "lost"


@pytest.mark.django_db
@pytest.mark.usefixtures("the_book_closes")
def test_retired_chips_stand_at_the_site_until_their_destruction_is_certified(
    standing: StandingClock, world: World
) -> None:
    chips = world.commission(["SN-1", "SN-2", "SN-3"])
    standing.forward(minutes=1)
    counted_at = door.now()
    standing.forward(minutes=1)
    world.submit(
        ChipsRetired, by=world.maker, site="fab-1", happened_at=door.now(), reason="end", chips=chips[:2]
    )
    world.submit(
        ChipsDestroyed, by=world.maker, happened_at=door.now(), certificate="0" * 64, chips=chips[:1]
    )
    standing.forward(minutes=1)
    assert totals(count_site(world, chips, counted_at=counted_at)) == (3, 3, 0, 0)
    assert differences(count_site(world, [chips[0], chips[2]])) == {
        ("unexpected", chips[0]),
        ("missing", chips[1]),
    }


@pytest.mark.django_db
@pytest.mark.usefixtures("the_book_closes")
def test_a_count_of_many_chips_names_a_manifest(world: World) -> None:
    chips = world.commission([f"SN-{number:04d}" for number in range(700)], keyed=False)
    manifest = world.upload(world.maker, Shape.CHIPS, [(chip,) for chip in chips[1:]])
    counted = count_site(world, [], chips=None, manifest=manifest)
    assert totals(counted) == (700, 699, 1, 0)
    assert differences(counted) == {("missing", chips[0])}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"counted_at": timedelta(days=1)}, "happened_in_future"),
        ({"counted_at": -timedelta(days=31)}, "counted_too_long_ago"),
        ({"site": "dc-1"}, "not_your_site"),
        ({"site": "no-such-site"}, "not_your_site"),
    ],
    ids=["future", "stale", "foreign", "unknown"],
)
def test_a_count_that_cannot_be_taken_is_refused_by_code(
    world: World, chips: list[str], fields: dict[str, Any], code: str
) -> None:
    if "counted_at" in fields:
        fields = {"counted_at": door.now() + fields["counted_at"]}
    with pytest.raises(Refused) as caught:
        count_site(world, chips, **fields)
    assert caught.value.code == code
    assert not StockCount.objects.exists()


@pytest.mark.django_db
def test_a_strangers_site_and_none_are_refused_alike(world: World, chips: list[str]) -> None:
    told = set()
    for site in ("dc-1", "no-such-site"):
        with pytest.raises(Refused) as caught:
            count_site(world, chips, site=site)
        told.add((caught.value.code, caught.value.sentence, caught.value.status))
    assert len(told) == 1


@pytest.mark.django_db
def test_counts_of_a_site_follow_each_other(world: World, chips: list[str]) -> None:
    first = count_site(world, chips)
    for counted_at in (first.counted_at, first.counted_at - MINUTE):
        with pytest.raises(Refused, match="counted_later_already"):
            count_site(world, chips[:2], counted_at=counted_at)
    assert count_site(world, chips).counted_at > first.counted_at


@pytest.mark.django_db
def test_a_count_names_each_chip_once_in_order_in_one_of_two_ways_and_few_inline(world: World) -> None:
    now = door.now()
    many = [f"maker-a/S{number:05d}" for number in range(10_001)]
    manifest = world.upload(world.maker, Shape.CHIPS, [("maker-a/S1",)])
    for said in (
        {"chips": ["maker-a/S1", "maker-a/S1"]},
        {"chips": ["maker-a/S2", "maker-a/S1"]},
        {"chips": many},
        {"chips": ["S1"]},
        {"chips": [], "manifest": manifest},
        {},
    ):
        with pytest.raises(ValidationError):
            world.envelope(StockCounted, by=world.maker, site="fab-1", counted_at=now, method="scan", **said)
    with pytest.raises(ValidationError):
        world.envelope(StockCounted, by=world.maker, site="fab-1", counted_at=now, method="guess", chips=[])


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["tracking_stockcount", "tracking_stockdifference"])
def test_what_was_counted_is_never_changed(world: World, chips: list[str], table: str) -> None:
    count_site(world, chips[1:])
    for change in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
        with (
            pytest.raises(IntegrityError, match="never changed"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(change)


@pytest.mark.django_db
def test_a_carrier_or_a_machine_counts_nothing(world: World, chips: list[str]) -> None:
    with pytest.raises(Refused, match="role_may_not_sign"):
        world.submit(
            StockCounted,
            by=world.maker,
            key=world.maker.machine_key,
            site="fab-1",
            counted_at=door.now(),
            method="scan",
            chips=chips,
        )
