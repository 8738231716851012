"""What sweeps leave behind: the counts of each day, and since when a finding is graver."""

from __future__ import annotations

from datetime import timedelta

import pytest

from attestations.models import Sighting
from audits.models import Balance, Cluster, DailyBalance, Finding
from audits.queries import Dated, FindingFilter, near_a_line
from tests.integration.audits.ground import DAY, NOW, Ground
from tracking.models import Holding


def test_each_day_keeps_what_its_last_sweep_counted(ground: Ground) -> None:
    site = ground.site(ground.organisation("operator-a"), "dc-1")
    chips = ground.running(site, 5)
    ground.sweep(at=NOW)
    Sighting.objects.filter(chip=chips[0]).delete()
    ground.sweep(at=NOW + timedelta(hours=1))
    Sighting.objects.filter(chip=chips[1]).delete()
    ground.sweep(at=NOW + DAY / 2)
    kept = DailyBalance.objects.order_by("day").values_list("day", "installed", "seen_hardware")
    assert list(kept) == [(NOW.date(), 5, 4), ((NOW + DAY / 2).date(), 5, 3)]


def test_a_day_forgets_a_site_that_its_last_sweep_found_empty(ground: Ground) -> None:
    site = ground.site(ground.organisation("operator-a"), "dc-1")
    ground.running(site, 2)
    ground.sweep(at=NOW)
    Holding.objects.update(installed_at=None)
    ground.sweep(at=NOW + timedelta(hours=1))
    assert not DailyBalance.objects.exists()


def test_a_balance_says_the_tpp_of_what_is_on_hand(ground: Ground) -> None:
    site = ground.site(ground.organisation("operator-a"), "dc-1")
    ground.chips(site, 3)
    ground.chips(site, 2, model=ground.chip_model("small", tpp=100, memory_mb=1))
    ground.chips(site, 1, kind="lost")
    ground.sweep()
    assert Balance.objects.get().tpp == 3 * 15_832 + 2 * 100


def test_a_finding_remembers_since_when_it_is_graver(ground: Ground) -> None:
    site = ground.site(ground.organisation("operator-a"), "dc-1")
    ground.transfer(site, ground.site(ground.organisation("operator-b"), "dc-2"), due_at=NOW - DAY)
    (finding,) = ground.findings("overdue_receipt")
    assert finding.worsened_at is None
    later = NOW + 60 * DAY
    (graver,) = ground.findings("overdue_receipt", at=later)
    assert graver.severity > finding.severity
    assert graver.worsened_at == later
    (same,) = ground.findings("overdue_receipt", at=later + timedelta(hours=1))
    assert same.worsened_at == later

    def between(since: timedelta, until: timedelta) -> int:
        wanted = FindingFilter(dated=Dated.WORSENED, since=later + since, until=later + until)
        return wanted.narrow(Finding.objects.filter(rule="overdue_receipt")).count()

    assert [between(-DAY, timedelta()), between(timedelta(), DAY)] == [0, 1]


@pytest.mark.parametrize(("above", "is_near"), [(100_000, False), (51_000, True), (47_495, False)])
def test_a_cluster_is_near_from_four_fifths_of_a_line_up_to_the_line(
    ground: Ground, above: int, is_near: bool
) -> None:
    ground.chips(ground.site(ground.organisation("operator-a"), "dc-1"), 3)  # 47,496 TPP
    ground.policy("line", above_tpp=above, above_memory_mb=10**9)
    ground.sweep()
    assert near_a_line(Cluster.objects.all()).exists() == is_near
