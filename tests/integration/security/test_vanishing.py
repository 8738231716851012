"""An operator that wants chips, or the sight of them, to vanish by paper alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from audits.actions.sweeps import sweep
from audits.models import Finding
from chipledger.manifests import Shape
from chipledger.refusals import Refused
from chipledger.statements.audits import FindingDecided
from chipledger.statements.registry import SiteAmended
from chipledger.statements.tracking import (
    ChipsInstalled,
    ChipsLost,
    ChipsRecovered,
    ChipsRemoved,
    Swap,
    TransferDispatched,
)
from ledger import door
from registry.models import Site
from tests.integration.api.caller import Caller
from tests.integration.attestations.gateway import Gateway, StandingClock
from tests.integration.tracking.trade import Trade
from tests.world import JobRefused, World

pytestmark = pytest.mark.django_db


def test_a_dispatch_that_arrives_in_years_would_never_be_overdue_and_is_refused(world: World) -> None:
    trade = Trade(world)
    chips = world.commission(["S1"])
    with pytest.raises(Refused, match="arrives_too_late"):
        trade.dispatch(chips, estimated_arrival=door.now() + timedelta(days=365))
    trade.dispatch(chips, estimated_arrival=door.now() + timedelta(days=50))


def test_a_site_does_not_move_out_of_a_regulators_sight_by_an_amendment(world: World) -> None:
    site = Site.objects.get(code="dc-3")
    assert Caller(world.regulator).get("/sites/dc-3").status_code == 200
    with pytest.raises(Refused, match="site_moves_abroad"):
        world.submit(
            SiteAmended,
            by=world.second_operator,
            code="dc-3",
            name="DC-3",
            country="ZZ",
            latitude_e7=site.latitude_e7,
            longitude_e7=site.longitude_e7,
            power_kw=1,
            slots=1,
            previous=bytes(site.statement.digest).hex(),
        )
    assert Caller(world.regulator).get("/sites/dc-3").status_code == 200


def test_losses_that_are_dated_back_weigh_as_much_as_those_of_today(world: World) -> None:
    trade = Trade(world)
    chips = world.commission([f"S{number}" for number in range(9)])
    trade.receive(trade.dispatch(chips))
    long_ago = door.now() - timedelta(days=200)
    world.submit(
        ChipsLost, by=world.operator, site="dc-1", happened_at=long_ago, chips=chips, reason="not_in_rack"
    )
    sweep(at=door.now())
    found = Finding.objects.filter(rule="declared_loss")
    assert set(found.values_list("severity", flat=True)) == {4}
    assert found.count() == 9


def test_a_thousand_unknown_serials_of_ones_own_cost_one_question(
    world: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    unknown = [f"maker-a/S{number}" for number in range(400)]
    with django_assert_max_num_queries(60), pytest.raises(Refused, match="unknown_serial"):
        Trade(world).dispatch(unknown)
    rows = world.upload(world.maker, Shape.CHIPS, [(name,) for name in unknown])
    with django_assert_max_num_queries(90), pytest.raises(JobRefused) as caught:
        world.submit(
            TransferDispatched,
            by=world.maker,
            manifest=rows,
            from_site="fab-1",
            consignee="operator-a",
            to_site="dc-1",
            dispatched_at=door.now(),
            estimated_arrival=door.now(),
        )
    assert (caught.value.job.result or {})["rejected"]["counts"] == {"unknown_serial": 400}


def machine(world: World) -> dict[str, Any]:
    return {"by": world.operator, "key": world.operator.machine_key, "site": "dc-1"}


@pytest.mark.parametrize("was_seen", [False, True])
def test_taking_a_chip_out_and_putting_it_back_ends_no_silence(
    standing: StandingClock, world: World, was_seen: bool
) -> None:
    trade = Trade(world)
    chips = world.commission(["S1"])
    trade.receive(trade.dispatch(chips))
    world.submit(ChipsInstalled, happened_at=door.now(), chips=chips, **machine(world))
    standing.forward(hours=1)
    if was_seen:
        Gateway(world, world.operator, "dc-1", {}).collect(chips)
    for _ in range(6):
        standing.forward(hours=30)
        world.submit(ChipsRemoved, happened_at=door.now(), chips=chips, **machine(world))
        world.submit(ChipsInstalled, happened_at=door.now(), chips=chips, **machine(world))
        sweep(at=door.now())
    (finding,) = Finding.objects.filter(rule="stale_attestation")
    assert (finding.closed_at, finding.severity) == (None, 4)


def test_a_chip_back_from_a_repair_has_time_to_answer(standing: StandingClock, world: World) -> None:
    """However early the repair, and each time anew, as long as the chip ran in between."""
    trade = Trade(world)
    chips = world.commission(["S1"])
    trade.receive(trade.dispatch(chips))
    gateway = Gateway(world, world.operator, "dc-1", {})
    for days_of_service, days_of_repair in ((3, 10), (20, 50), (2, 5)):
        world.submit(ChipsInstalled, happened_at=door.now(), chips=chips, **machine(world))
        standing.forward(hours=30)
        sweep(at=door.now())
        for _ in range(days_of_service):
            gateway.collect(chips)
            standing.forward(days=1)
        world.submit(ChipsRemoved, happened_at=door.now(), chips=chips, **machine(world))
        standing.forward(days=days_of_repair)
        sweep(at=door.now())
    assert not Finding.objects.filter(rule="stale_attestation").exists()


def test_backdated_installations_of_a_chip_end_no_silence(standing: StandingClock, world: World) -> None:
    trade = Trade(world)
    chips = world.commission(["S1"])
    trade.receive(trade.dispatch(chips))
    began = door.now()
    world.submit(ChipsInstalled, happened_at=began, chips=chips, **machine(world))
    standing.forward(hours=1)
    Gateway(world, world.operator, "dc-1", {}).collect(chips)
    for _ in range(6):
        standing.forward(hours=30)
        for happened_at in (began - timedelta(days=1), door.now()):
            world.submit(ChipsRemoved, happened_at=began, chips=chips, **machine(world))
            world.submit(ChipsInstalled, happened_at=happened_at, chips=chips, **machine(world))
        sweep(at=door.now())
    (finding,) = Finding.objects.filter(rule="stale_attestation")
    assert (finding.closed_at, finding.severity) == (None, 4)


def test_a_stored_chip_that_is_put_in_service_for_a_minute_still_owes_evidence(
    standing: StandingClock, world: World
) -> None:
    """It ran at its former holder, and so the longer cadence of stored chips counts from the hand-over on."""
    trade = Trade(world)
    chips = world.commission(["S1"])
    trade.receive(trade.dispatch(chips))
    world.submit(ChipsInstalled, happened_at=door.now(), chips=chips, **machine(world))
    Gateway(world, world.operator, "dc-1", {}).collect(chips)
    standing.forward(hours=1)
    world.submit(ChipsRemoved, happened_at=door.now(), chips=chips, **machine(world))
    digest = trade.dispatch(
        chips, by=world.operator, from_site="dc-1", consignee="operator-b", to_site="dc-3"
    )
    trade.receive(digest, by=world.second_operator)
    theirs = {"by": world.second_operator, "key": world.second_operator.machine_key, "site": "dc-3"}
    for _ in range(4):
        standing.forward(days=50)
        world.submit(ChipsInstalled, happened_at=door.now(), chips=chips, **theirs)
        standing.forward(minutes=1)
        world.submit(ChipsRemoved, happened_at=door.now(), chips=chips, **theirs)
        sweep(at=door.now())
    (finding,) = Finding.objects.filter(rule="stale_attestation", closed_at__isnull=True)
    assert finding.severity >= 3


def test_a_second_loss_that_is_dated_before_a_decided_one_is_a_new_finding(world: World) -> None:
    trade = Trade(world)
    chips = world.commission(["S1"])
    trade.receive(trade.dispatch(chips))
    first = door.now()
    lost: dict[str, Any] = {"by": world.operator, "site": "dc-1", "chips": chips, "reason": "not_in_rack"}
    world.submit(ChipsLost, happened_at=first, **lost)
    sweep(at=door.now())
    decided = Finding.objects.get(rule="declared_loss")
    world.submit(
        FindingDecided, by=world.regulator, finding=decided.uid.hex, decision="resolved", reason="found"
    )
    sweep(at=door.now())
    assert not Finding.objects.filter(closed_at__isnull=True).exists()
    world.submit(
        ChipsRecovered, by=world.operator, site="dc-1", chips=chips, reason="found", happened_at=first
    )
    world.submit(ChipsLost, happened_at=first - timedelta(seconds=1), **lost)
    sweep(at=door.now())
    assert Finding.objects.filter(rule="declared_loss", closed_at__isnull=True).count() == 1


def test_a_chip_named_missing_twice_does_not_excuse_another_one(world: World) -> None:
    trade = Trade(world)
    chips = world.commission([f"S{number}" for number in range(10)])
    digest = trade.dispatch(chips)
    trade.receive(digest, accepted=[], short=chips[:5])
    swaps = [Swap(expected=chip, found=f"maker-a/FAKE{number}") for number, chip in enumerate(chips[:5])]
    trade.receive(digest, accepted=[], swapped=swaps)
    sweep(at=door.now() + timedelta(days=200))
    finding = Finding.objects.get(rule="overdue_receipt")
    assert finding.frozen["arithmetic"]["named_as_missing"] == 5
    assert finding.organisation.signer.handle == "operator-a"
