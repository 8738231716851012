"""Declared losses: they close nothing."""

from __future__ import annotations

import pytest

from audits.models import Finding
from registry.models import Site
from tests.integration.audits.ground import DAY, NOW, Ground
from tracking.models import Account, AccountKind, Holding


@pytest.fixture
def site(ground: Ground) -> Site:
    return ground.site(ground.organisation("operator-a"), "dc-1")


@pytest.mark.parametrize(
    ("kind", "severities"),
    [
        (AccountKind.LOST, [3]),
        (AccountKind.STOLEN, [4]),
        (AccountKind.RETIRED, []),
        (AccountKind.ON_HAND, []),
    ],
)
def test_a_declared_loss_is_a_finding_and_a_theft_a_grave_one(
    ground: Ground, site: Site, kind: AccountKind, severities: list[int]
) -> None:
    ground.chips(site, kind=kind)

    assert ground.severities("declared_loss") == severities


@pytest.mark.parametrize(("number", "severity"), [(8, 3), (9, 4)])
def test_more_losses_than_a_server_holds_are_grave(
    ground: Ground, site: Site, number: int, severity: int
) -> None:
    other = ground.site(site.organisation, "dc-2")
    ground.chips(site, number - 1, kind=AccountKind.LOST, since=NOW - 30 * DAY)
    ground.chips(other, 1, kind=AccountKind.LOST, since=NOW - 89 * DAY)

    assert ground.severities("declared_loss") == [severity] * number


def test_old_losses_and_those_of_others_do_not_add_up(ground: Ground, site: Site) -> None:
    stranger = ground.site(ground.organisation("operator-b"), "dc-2")
    ground.chips(site, 8, kind=AccountKind.LOST, since=NOW - 30 * DAY)
    ground.chips(site, 8, kind=AccountKind.LOST, since=NOW - 91 * DAY)
    ground.chips(stranger, 8, kind=AccountKind.LOST, since=NOW - 30 * DAY)

    assert set(ground.severities("declared_loss")) == {3}


def test_a_loss_stays_open_even_when_its_holder_finds_the_chip_again(ground: Ground, site: Site) -> None:
    (chip,) = ground.chips(site, kind=AccountKind.LOST)
    ground.sweep()
    on_hand, _ = Account.objects.get_or_create(
        kind=AccountKind.ON_HAND, organisation=site.organisation, site=site
    )
    Holding.objects.filter(chip=chip).update(account=on_hand, since=NOW + 5 * DAY)
    for days in range(5, 9):
        ground.sweep(at=NOW + days * DAY)

    assert Finding.objects.get(rule="declared_loss").state == Finding.State.OPEN
