"""Counts and movements in parallel transactions: what was booked agrees with the order in the log."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction

from chipledger.statements.tracking import (
    StockCounted,
    TransferReceived,
)
from ledger import door, integrator, replay
from tests.integration.tracking.test_concurrency import at_once, dispatch_paper
from tests.integration.tracking.trade import Trade, where
from tests.world import World
from tracking.models import StockCount
from tracking.queries.identities import check_identities


@pytest.mark.django_db(transaction=True)
def test_a_count_and_a_dispatch_at_once_agree_with_the_order_in_the_log() -> None:
    """Whoever comes first, the dispatched chip is on hand before it and gone after it, and replay finds the same."""
    world = World()
    world.found()
    world.populate()
    chips = world.commission([f"SN-{number}" for number in range(8)])
    for chip in chips[:6]:
        dispatch = dispatch_paper(world, [chip], by=world.maker, from_site="fab-1", to_site="dc-1")
        held = [name for name in chips if where(name)[0] == "on_hand"]
        paper = world.envelope(
            StockCounted,
            by=world.maker,
            site="fab-1",
            counted_at=door.now() + timedelta(seconds=1),
            method="scan",
            chips=sorted(set(held) - {chip}),
        )
        assert at_once(paper, dispatch) == ["booked", "booked"]
    for counted in StockCount.objects.all():
        assert counted.missing in (0, 1)
        assert counted.unexpected == 0
    while integrator.integrate():
        pass
    assert check_identities() == []
    assert replay.replay() == []


@pytest.mark.django_db(transaction=True)
def test_a_count_and_the_first_arrival_at_a_site_at_once_agree_with_the_order_in_the_log() -> None:
    """Before the arrival there is no account that both could hold."""
    world = World()
    world.found()
    world.populate()
    sites = [f"new-{number}" for number in range(5)]
    chips = world.commission([f"SN-{site}" for site in sites])
    trade = Trade(world)
    for chip, site in zip(chips, sites, strict=True):
        world.declare_site(world.operator, site)
        digest = trade.dispatch([chip], to_site=site)
        now = door.now()
        receipt = world.envelope(
            TransferReceived, by=world.operator, dispatch=digest, received_at=now, accepted_all=True
        )
        paper = world.envelope(
            StockCounted,
            by=world.operator,
            site=site,
            counted_at=now + timedelta(seconds=1),
            method="scan",
            chips=[chip],
        )
        assert at_once(paper, receipt) == ["booked", "booked"]
    while integrator.integrate():
        pass
    assert check_identities() == []
    assert replay.replay() == []


@pytest.mark.django_db(transaction=True)
def test_of_two_counts_of_one_site_at_once_the_later_named_one_stands_last() -> None:
    world = World()
    world.found()
    world.populate()
    chips = world.commission(["SN-1"])
    now = door.now()
    papers = [
        world.envelope(StockCounted, by=world.maker, site="fab-1", counted_at=now, method=method, chips=chips)
        for method in ("scan", "file")
    ]
    assert sorted(at_once(*papers)) == ["booked", "counted_later_already"]


@pytest.mark.django_db(transaction=True)
def test_a_movement_waits_while_its_site_is_counted() -> None:
    world = World()
    world.found()
    world.populate()
    (chip,) = world.commission(["SN-1"])
    dispatch = dispatch_paper(world, [chip], by=world.maker, from_site="fab-1", to_site="dc-1")

    def file_it() -> str:
        try:
            return door.submit(dispatch).state.value
        finally:
            connection.close()

    from tracking.actions.stock_counts import hold_site

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            hold_site("fab-1", by=world.maker.organisation.pk)
            waiting = pool.submit(file_it)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=1)
        assert waiting.result(timeout=30) == "accepted"
