"""Findings from counts: what opens them, what ends them, and what a count cannot end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from attestations.models import Sighting
from audits.actions.sweeps import sweep
from audits.models import Finding
from chipledger.statements.audits import FindingDecided
from chipledger.statements.tracking import ChipsLost
from ledger import door
from registry.models import Chip, Site
from tests.integration.attestations.gateway import StandingClock
from tests.integration.tracking.trade import Trade, count_site
from tests.world import World

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def chips(standing: StandingClock, world: World, trade: Trade) -> list[str]:
    """Four chips on hand of the operator at dc-1."""
    names = world.commission([f"SN-{number}" for number in range(1, 5)])
    trade.receive(trade.dispatch(names))
    standing.forward(hours=1)
    return names


@pytest.fixture
def trade(world: World) -> Trade:
    return Trade(world)


def count(world: World, found: list[str], **fields: Any) -> None:
    count_site(world, found, by=world.operator, **{"site": "dc-1", **fields})


def looked(standing: StandingClock, rule: str, **later: float) -> list[tuple[str, int]]:
    """What a rule has open after two sweeps, some time later."""
    standing.forward(**later)
    for _ in range(2):
        standing.forward(minutes=10)
        sweep(at=door.now())
    found = Finding.objects.filter(rule=rule, closed_at__isnull=True).order_by("subject")
    return [(finding.subject, finding.severity) for finding in found]


def test_a_chip_that_was_not_found_is_a_finding_that_grows_graver_until_a_later_count_finds_it(
    standing: StandingClock, world: World, chips: list[str]
) -> None:
    count(world, chips[1:])
    assert looked(standing, "count_short") == [(f"chip:{chips[0]}", 3)]
    finding = Finding.objects.get(rule="count_short")
    assert (finding.organisation, finding.site) == (
        world.operator.organisation,
        Site.objects.get(code="dc-1"),
    )
    assert looked(standing, "count_short", days=21) == [(f"chip:{chips[0]}", 4)]
    count(world, chips)
    assert looked(standing, "count_short") == []
    finding.refresh_from_db()
    assert finding.closing == Finding.Closing.CLEARED


def test_counting_again_without_the_chip_does_not_wind_the_clock_back(
    standing: StandingClock, world: World, chips: list[str]
) -> None:
    count(world, chips[1:])
    looked(standing, "count_short")
    standing.forward(days=15)
    count(world, chips[1:])
    assert looked(standing, "count_short", days=6) == [(f"chip:{chips[0]}", 4)]
    assert Finding.objects.filter(rule="count_short").count() == 1


def test_more_chips_missing_than_a_server_holds_are_grave_at_once(
    standing: StandingClock, world: World, trade: Trade
) -> None:
    names = world.commission([f"SN-{number}" for number in range(1, 10)], keyed=False)
    trade.receive(trade.dispatch(names))
    standing.forward(hours=1)
    count(world, names[:1])
    assert {severity for _, severity in looked(standing, "count_short")} == {3}
    count(world, [])
    assert {severity for _, severity in looked(standing, "count_short")} == {4}


def test_a_paper_by_which_the_chip_left_or_was_lost_ends_the_shortage(
    standing: StandingClock, world: World, trade: Trade, chips: list[str]
) -> None:
    count(world, chips[2:])
    assert len(looked(standing, "count_short")) == 2
    trade.dispatch(chips[:1], by=world.operator, from_site="dc-1", consignee="operator-b", to_site="dc-3")
    world.submit(
        ChipsLost, by=world.operator, site="dc-1", happened_at=door.now(), reason="gone", chips=chips[1:2]
    )
    assert looked(standing, "count_short") == []
    assert looked(standing, "declared_loss") == [(f"chip:{chips[1]}", 3)]


def test_a_dispatch_that_is_voided_brings_no_missing_chip_back(
    standing: StandingClock, world: World, trade: Trade, chips: list[str]
) -> None:
    count(world, chips[1:])
    looked(standing, "count_short")
    digest = trade.dispatch(chips[:1], by=world.operator, from_site="dc-1", to_site="dc-2")
    trade.void(digest, by=world.operator)
    assert looked(standing, "count_short") == [(f"chip:{chips[0]}", 3)]


def test_a_chip_that_was_received_anew_is_not_missing_any_more(
    standing: StandingClock, world: World, trade: Trade, chips: list[str]
) -> None:
    count(world, chips[1:])
    looked(standing, "count_short")
    there = trade.dispatch(chips[:1], by=world.operator, from_site="dc-1", to_site="dc-2")
    trade.receive(there)
    trade.receive(trade.dispatch(chips[:1], by=world.operator, from_site="dc-2", to_site="dc-1"))
    assert looked(standing, "count_short") == []


@pytest.mark.parametrize(
    ("identity", "site", "is_open"),
    [(5, "dc-1", False), (4, "dc-1", False), (3, "dc-1", True), (2, "dc-1", True), (5, "dc-2", True)],
    ids=["hardware", "inspected", "host", "label", "elsewhere"],
)
def test_only_strong_evidence_from_the_very_site_ends_a_shortage(
    standing: StandingClock, world: World, chips: list[str], identity: int, site: str, is_open: bool
) -> None:
    count(world, chips[1:])
    looked(standing, "count_short")
    Sighting.objects.create(
        chip=Chip.objects.get(serial="SN-1"),
        identity=identity,
        place=2,
        site=Site.objects.get(code=site),
        seen_at=door.now(),
        present_since=door.now(),
        seq=1,
        claims_sha256=b"",
        statement_id=1,
    )
    assert bool(looked(standing, "count_short")) == is_open


def test_what_a_regulator_decided_stays_decided_until_the_chip_is_missed_anew(
    standing: StandingClock, world: World, chips: list[str]
) -> None:
    count(world, chips[1:])
    looked(standing, "count_short")
    finding = Finding.objects.get(rule="count_short")
    world.submit(
        FindingDecided, by=world.regulator, finding=finding.uid.hex, decision="resolved", reason="inspected"
    )
    count(world, chips[1:])
    assert looked(standing, "count_short") == []
    count(world, chips)
    looked(standing, "count_short", days=1)
    count(world, chips[1:])
    assert len(looked(standing, "count_short")) == 1


def test_a_count_ends_no_finding_of_another_rule(
    standing: StandingClock, world: World, chips: list[str]
) -> None:
    world.submit(
        ChipsLost, by=world.operator, site="dc-1", happened_at=door.now(), reason="gone", chips=chips[:1]
    )
    assert looked(standing, "declared_loss") == [(f"chip:{chips[0]}", 3)]
    count(world, chips)
    assert looked(standing, "declared_loss") == [(f"chip:{chips[0]}", 3)]
    assert looked(standing, "count_over") == [(f"count:dc-1:{chips[0]}", 2)]


def test_a_surplus_grows_graver_and_ends_when_the_chip_is_booked_there_or_not_found_again(
    standing: StandingClock, world: World, trade: Trade, chips: list[str]
) -> None:
    more = world.commission(["MORE-1", "MORE-2"])
    count(world, [*chips, *more])
    assert [severity for _, severity in looked(standing, "count_over")] == [2, 2]
    assert [severity for _, severity in looked(standing, "count_over", days=11)] == [3, 3]
    assert [severity for _, severity in looked(standing, "count_over", days=10)] == [4, 4]
    trade.receive(trade.dispatch(more[:1]))
    assert looked(standing, "count_over") == [(f"count:dc-1:{more[1]}", 4)]
    count(world, [*chips, more[0]])
    assert looked(standing, "count_over") == []


def test_a_stranger_s_chip_and_one_that_does_not_exist_look_alike_to_who_counted(
    standing: StandingClock, world: World, chips: list[str]
) -> None:
    (strange,) = world.commission(["STRANGE-1"])
    count(world, [*chips, strange, "maker-a/GHOST-1"])
    looked(standing, "count_over")
    shown = set()
    for finding in Finding.objects.filter(rule="count_over"):
        told = str(finding.frozen["arithmetic"]).replace(strange, "x").replace("maker-a/GHOST-1", "x")
        shown.add((told, finding.severity, finding.chip_id, finding.transfer_id))
    assert len(shown) == 1
    registered = {
        finding.subject.rpartition("/")[2]: finding.frozen["confidential"]["is_registered"]
        for finding in Finding.objects.filter(rule="count_over")
    }
    assert registered == {"STRANGE-1": True, "GHOST-1": False}


def test_one_chip_that_two_holders_claim_to_have_found_is_a_finding_for_each(
    standing: StandingClock, world: World, chips: list[str]
) -> None:
    (strange,) = world.commission(["STRANGE-1"])
    count(world, [*chips, strange])
    count_site(world, [strange], by=world.second_operator, site="dc-3")
    assert [subject for subject, _ in looked(standing, "count_over")] == [
        f"count:dc-1:{strange}",
        f"count:dc-3:{strange}",
    ]
