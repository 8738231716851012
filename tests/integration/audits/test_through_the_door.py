"""Rules over a book that was made the real way: by signed statements through the door."""

from __future__ import annotations

from datetime import timedelta

from audits.actions.sweeps import sweep
from audits.models import Balance, Cluster, Finding
from audits.policies import MIRI_SITE, RAHMAN_SITE
from chipledger.statements.audits import PolicyPublished
from chipledger.statements.tracking import ChipsInstalled, ChipsLost, TransferDispatched, TransferReceived
from ledger import integrator
from ledger.door import now
from tests.world import World

DAY = timedelta(days=1)


def hand_over(world: World, chips: list[str], *, site: str = "dc-1", short: list[str] | None = None) -> None:
    dispatch = dispatched(world, chips, site=site)
    world.submit(
        TransferReceived,
        by=world.operator,
        dispatch=dispatch,
        received_at=now(),
        accepted_all=True,
        short=short or [],
    )


def dispatched(world: World, chips: list[str], *, site: str = "dc-1") -> str:
    outcome = world.submit(
        TransferDispatched,
        by=world.maker,
        chips=chips,
        from_site="fab-1",
        consignee="operator-a",
        to_site=site,
        dispatched_at=now(),
        estimated_arrival=now() + DAY,
    )
    return outcome.digest.hex()


def open_findings() -> set[tuple[str, str, int]]:
    found = Finding.objects.filter(closed_at__isnull=True).select_related("organisation__signer")
    return {(finding.rule, finding.organisation.signer.handle, finding.severity) for finding in found}


def test_a_dispatch_that_nobody_signs_for_is_overdue_until_somebody_does(world: World) -> None:
    chips = world.commission(["A1", "A2"])
    dispatch = dispatched(world, chips)
    integrator.integrate()
    start = now()
    sweep(at=start)
    assert open_findings() == set()

    sweep(at=start + 120 * DAY)
    assert open_findings() == {("overdue_receipt", "operator-a", 5)}
    finding = Finding.objects.get()
    assert finding.frozen["checkpoint"] > 0

    world.submit(TransferReceived, by=world.operator, dispatch=dispatch, received_at=now(), accepted_all=True)
    sweep(at=start + 121 * DAY)
    sweep(at=start + 122 * DAY)

    finding.refresh_from_db()
    assert finding.closing == Finding.Closing.CLEARED


def test_a_short_receipt_cites_the_sender_and_a_declared_loss_its_holder(world: World) -> None:
    chips = world.commission(["A1", "A2", "A3"])
    hand_over(world, chips, short=chips[:1])
    world.submit(
        ChipsLost, by=world.operator, chips=chips[2:], site="dc-1", happened_at=now(), reason="not-found"
    )

    sweep(at=now() + timedelta(hours=1))

    assert open_findings() == {("quantity_short", "maker-a", 2), ("declared_loss", "operator-a", 3)}


def test_seventeen_h100_that_never_attest_are_silent_and_above_both_lines(world: World) -> None:
    for published in (MIRI_SITE, RAHMAN_SITE):
        world.submit(PolicyPublished, by=world.regulator, **published.fields(effective_from=now()))
    chips = world.commission([f"A{number:02}" for number in range(17)])
    hand_over(world, chips)
    world.submit(ChipsInstalled, by=world.operator, chips=chips, site="dc-1", happened_at=now())

    sweep(at=now() + 2 * DAY)

    assert open_findings() == {
        ("stale_attestation", "operator-a", 2),
        ("threshold_exceeded", "operator-a", 2),
    }
    assert Finding.objects.filter(rule="stale_attestation").count() == 17
    assert set(Cluster.objects.values_list("policy__code", "chips", "is_above")) == {
        ("miri-cluster", 17, True),
        ("rahman-memory", 17, True),
    }
    balance = Balance.objects.get(site__code="dc-1")
    assert (balance.on_hand, balance.installed, balance.seen_hardware, balance.unaccounted) == (17, 17, 0, 17)
