"""Papers about the same chips that arrive at the same instant, on connections of their own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from chipledger.refusals import Refused
from chipledger.statements.tracking import ChipsLost, TransferDispatched, TransferReceived, TransferVoided
from ledger import door
from tests.integration.tracking.trade import Trade, where
from tests.world import Party, World
from tracking.models import Transfer
from tracking.queries.identities import check_identities

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def committed() -> World:
    world = World()
    world.found()
    world.populate()
    return world


def at_once(*papers: bytes) -> list[str]:
    """Submit every paper in a thread and transaction of its own; 'booked' or the code of the refusal of each."""
    barrier = Barrier(len(papers))

    def submit(raw: bytes) -> str:
        try:
            barrier.wait(timeout=30)
            door.submit(raw)
            return "booked"
        except Refused as refused:
            return refused.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(papers)) as pool:
        return list(pool.map(submit, papers))


def dispatch_paper(world: World, chips: list[str], *, by: Party, from_site: str, to_site: str) -> bytes:
    now = door.now()
    return world.envelope(
        TransferDispatched,
        by=by,
        from_site=from_site,
        consignee="operator-a",
        to_site=to_site,
        dispatched_at=now,
        estimated_arrival=now + timedelta(days=1),
        chips=chips,
    )


def test_of_two_dispatches_of_one_chip_exactly_one_wins(committed: World) -> None:
    chips = committed.commission([f"SN-{number:04d}" for number in range(12)])
    for chip in chips[:6]:
        papers = [
            dispatch_paper(committed, [chip], by=committed.maker, from_site="fab-1", to_site=site)
            for site in ("dc-1", "dc-2")
        ]
        assert sorted(at_once(*papers)) == ["booked", "in_transit"]
    assert Transfer.objects.count() == 6
    assert check_identities() == []


def test_overlapping_papers_never_deadlock(committed: World) -> None:
    chips = committed.commission([f"SN-{number:04d}" for number in range(40)])
    halves = [chips[:30], chips[10:], chips[5:35], chips[::2]]
    papers = [
        dispatch_paper(committed, sorted(half), by=committed.maker, from_site="fab-1", to_site="dc-1")
        for half in halves
    ]
    outcomes = at_once(*papers)
    assert outcomes.count("booked") == 1
    assert set(outcomes) == {"booked", "in_transit"}
    assert check_identities() == []


@pytest.mark.parametrize("rounds", [3])
def test_a_receipt_and_a_voiding_at_once_leave_each_chip_in_one_place(committed: World, rounds: int) -> None:
    chips = committed.commission([f"SN-{number:04d}" for number in range(rounds)])
    trade = Trade(committed)
    for chip in chips:
        digest = trade.dispatch([chip])
        receipt = committed.envelope(
            TransferReceived,
            by=committed.operator,
            dispatch=digest,
            received_at=door.now(),
            accepted_all=True,
        )
        voiding = committed.envelope(TransferVoided, by=committed.maker, dispatch=digest, reason="late")
        assert sorted(at_once(receipt, voiding)) == ["booked", "wrong_state"]
        assert where(chip)[:2] in {("on_hand", "operator-a"), ("on_hand", "maker-a")}
    assert check_identities() == []


def test_a_loss_and_a_dispatch_of_one_chip_exclude_each_other(committed: World) -> None:
    (chip,) = committed.commission(["SN-1"])
    loss: Callable[[], bytes] = lambda: committed.envelope(  # noqa: E731 - both papers are made the same way
        ChipsLost, by=committed.maker, site="fab-1", happened_at=door.now(), reason="unknown", chips=[chip]
    )
    outcomes = at_once(
        loss(), dispatch_paper(committed, [chip], by=committed.maker, from_site="fab-1", to_site="dc-1")
    )
    assert outcomes.count("booked") == 1
    assert check_identities() == []
